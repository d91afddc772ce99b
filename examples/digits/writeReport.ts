/** Writes the report, and makes sure beforehand that it can be written. */
import { mkdirSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { renderReport } from "./report.ts";
import { networksOf } from "./result.ts";
import type { Result } from "./result.ts";

/** The report cannot be written; the message is one line for the user. */
export class WriteError extends Error {}

interface Paths {
  readonly html: string;
  readonly json: string;
}

/** Makes the folder and tries to write in it: better to fail before the training than after it. */
export function prepareOut(out: string): Paths {
  const paths = { html: join(out, "report.html"), json: join(out, "report.json") };
  orWriteError(out, () => {
    mkdirSync(out, { recursive: true });
    for (const path of [paths.html, paths.json]) {
      if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) throw new Error(`${path} is a folder`);
      writeFileSync(`${path}.part`, "");
      rmSync(`${path}.part`);
    }
  });
  return paths;
}

/** Writes report.html and report.json, each whole or not at all, and answers their paths. */
export async function writeReport(result: Result): Promise<Paths> {
  const { settings, gradientChecks, epochs } = result;
  const paths = prepareOut(settings.out);
  const content = { seed: settings.seed, settings, gradientChecks, networks: networksOf(result), epochs };
  const text = `${JSON.stringify(content, null, 2)}\n`;
  orWriteError(settings.out, () => writeWhole(paths.json, text));
  const page = await renderReport(result, networksOf(result));
  orWriteError(settings.out, () => writeWhole(paths.html, page));
  return paths;
}

function writeWhole(path: string, text: string): void {
  writeFileSync(`${path}.part`, text);
  renameSync(`${path}.part`, path);
}

function orWriteError(out: string, write: () => void): void {
  try {
    write();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new WriteError(`--out ${out}: the report cannot be written there: ${reason}`);
  }
}
