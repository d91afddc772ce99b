/** Imports files, and gathers what their checkOp calls answer. */
import { statSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { CheckOpResult } from "../gradcheck/checkOp.ts";
import { startRecording } from "../gradcheck/recorder.ts";
import type { Overrides } from "../gradcheck/recorder.ts";
import { UsageError } from "./settings.ts";

/** An op that was judged, or, with a fault, one that could not be: that counts as wrong. */
export type CheckedOp = { readonly file: string; readonly name: string } & (
  { readonly result: CheckOpResult; readonly fault: null } | { readonly result: null; readonly fault: string }
);

/** A file that did not run to its end, or has no op. */
export interface FileError {
  readonly file: string;
  readonly message: string;
}

export interface Listener {
  readonly onFile: (file: string) => void;
  readonly onOp: (op: CheckedOp) => void;
  readonly onError: (error: FileError) => void;
}

/** @throws UsageError if a file is not there, or is TypeScript and tsx is not installed; nothing has run then */
export async function runFiles(files: readonly string[], overrides: Overrides, listener: Listener): Promise<void> {
  const different = new Map(files.map((file) => [resolve(file), file])); // the same module would run only once
  for (const [path, file] of different) {
    if (!statSync(path, { throwIfNoEntry: false })?.isFile()) {
      throw new UsageError(`check: expected a file, got "${file}", which is none`);
    }
  }
  const typescript = files.find((file) => /\.[cm]?tsx?$/.test(file));
  if (typescript !== undefined) await readTypeScript(typescript);
  for (const [path, file] of different) await runFile(path, file, overrides, listener);
}

const STOPPED = "it stopped at this op: no checkOp call below it was run";

async function runFile(path: string, file: string, overrides: Overrides, listener: Listener): Promise<void> {
  let calls = 0;
  const faults = new Set<unknown>();
  const stop = startRecording<CheckOpResult>({
    overrides,
    onResult: (result) => {
      calls++;
      listener.onOp({ file, name: result.name, result, fault: null });
    },
    onFault: (name, error) => {
      calls++;
      faults.add(error);
      listener.onOp({ file, name, result: null, fault: messageOf(error) });
    },
  });
  const onThrown = (error: unknown): void =>
    listener.onError({ file, message: faults.has(error) ? STOPPED : reasonOf(file, error) });
  listener.onFile(file);
  process.on("uncaughtException", onThrown); // of a timer, say; of a promise that nobody waits for, too
  try {
    await import(pathToFileURL(path).href);
    await nothingLeft();
    if (calls === 0) listener.onError({ file, message: "expected a checkOp call, got none" });
  } catch (error) {
    onThrown(error);
  } finally {
    process.off("uncaughtException", onThrown);
    stop();
  }
}

/** A file may call checkOp later, from a timer or a promise that it does not wait for: those calls count as well. */
async function nothingLeft(): Promise<void> {
  await new Promise((resolve) => process.once("beforeExit", resolve));
}

async function readTypeScript(file: string): Promise<void> {
  const tsx = await import("tsx/esm/api").catch(() => null); // an optional peer dependency
  if (tsx === null) {
    throw new UsageError(`check: expected tsx to be installed, to read ${file}: npm install --save-dev tsx`);
  }
  tsx.register();
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** How Node and tsx say that a CommonJS file has met this package, which is an ES module. */
const COMMONJS = /ERR_REQUIRE_|outside a module|"cjs" output format/;

/** With the stack, which says where in the user's code it was. */
function reasonOf(file: string, error: unknown): string {
  if (!(error instanceof Error)) return `it threw ${String(error)}`;
  const code = "code" in error ? String(error.code) : "";
  if (!COMMONJS.test(`${code} ${error.message}`)) return `it threw ${error.stack ?? error.message}`;
  const name = file.replace(/[cm]?([jt])s(x?)$/, "m$1s$2");
  return `expected an ES module, got CommonJS: set "type": "module" in its package.json, or name it ${name}`;
}
