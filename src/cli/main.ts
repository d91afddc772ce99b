#!/usr/bin/env node
/**
 * The command `normgrad`. Ctrl-C ends it at once with 130, as any command without a handler of its own: a check runs
 * without a pause in which a handler could be called.
 */
import { readFileSync } from "node:fs";
import { toJson } from "./json.ts";
import { runFiles } from "./runFiles.ts";
import type { CheckedOp, FileError } from "./runFiles.ts";
import { readSettings, USAGE, UsageError } from "./settings.ts";

async function main(): Promise<void> {
  const settings = readSettings(process.argv.slice(2));
  if (settings === "help") return console.log(USAGE);
  if (settings === "version") return console.log(version());
  const ops: CheckedOp[] = [];
  const errors: FileError[] = [];
  const finish = failUnlessFinished();
  endQuietlyOnClosedPipe(finish);
  const restore = settings.json ? keepStdoutClean() : (): void => {};
  const show = settings.json ? () => {} : (line: string): void => console.log(line);
  await runFiles(settings.files, settings.overrides, {
    onFile: (file) => {
      if (settings.files.length > 1) show(`${file}:`);
    },
    onOp: (op) => {
      ops.push(op);
      show(op.result === null ? `FAIL ${op.fault}` : op.result.report);
    },
    onError: (error) => {
      errors.push(error);
      console.error(`${error.file}: ${error.message}`);
    },
  }).finally(finish);
  restore();
  console.log(settings.json ? toJson(ops, errors) : summary(ops, errors));
  if (errors.length > 0 || ops.some(({ result }) => result?.ok !== true)) process.exitCode = 1;
}

/** 3 ops checked: 2 right, 1 wrong */
function summary(ops: readonly CheckedOp[], errors: readonly FileError[]): string {
  const right = ops.filter(({ result }) => result?.ok === true).length;
  const count = (n: number, what: string): string => `${n} ${what}${n === 1 ? "" : "s"}`;
  const failed = errors.length > 0 ? `; ${count(errors.length, "file")} not checked to the end` : "";
  return `\n${count(ops.length, "op")} checked: ${right} right, ${ops.length - right} wrong${failed}`;
}

/** A file may call process.exit, or wait for what never comes: that is no pass. */
function failUnlessFinished(): () => void {
  const onExit = (): void => {
    console.error("normgrad: the process ended before all checks were done");
    process.exitCode = 1;
  };
  process.once("exit", onExit);
  return () => process.off("exit", onExit);
}

/** `normgrad check … | head -3`: nobody reads on, so there is nothing left to do. The code is that of a process ended by SIGPIPE. */
function endQuietlyOnClosedPipe(finish: () => void): void {
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
    finish();
    process.exit(141);
  });
}

/** What a file itself prints goes to stderr while the one document is being made. */
function keepStdoutClean(): () => void {
  const write = process.stdout.write;
  process.stdout.write = process.stderr.write.bind(process.stderr);
  return () => {
    process.stdout.write = write;
  };
}

function version(): string {
  const text = readFileSync(new URL("../../package.json", import.meta.url), "utf8");
  const manifest: { readonly version: string } = JSON.parse(text);
  return manifest.version;
}

try {
  await main();
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  console.error(`normgrad: ${error.message}\nSee normgrad --help`);
  process.exitCode = 2;
}
