/** What a run has found, as far as it came. */
import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { GradientCheck } from "./gradientChecks.ts";
import { renderReport } from "./report.ts";
import type { NormName } from "./model.ts";
import type { Settings } from "./settings.ts";
import type { Epoch, Trained } from "./train.ts";

export interface Result {
  readonly settings: Settings;
  readonly gradientChecks: GradientCheck[];
  readonly epochs: Epoch[];
  readonly trained: Trained[];
}

export interface Network {
  readonly norm: NormName;
  /** From 0 to 1, after the last epoch that was reached. */
  readonly testAccuracy: number;
  readonly seconds: number;
  readonly epochs: number;
  /** Whether all epochs were run. */
  readonly complete: boolean;
}

export function networksOf({ settings, epochs }: Result): Network[] {
  return settings.norms.flatMap((norm) => {
    const last = epochs.findLast((epoch) => epoch.norm === norm);
    if (last === undefined) return [];
    const { testAccuracy, seconds, epoch } = last;
    return [{ norm, testAccuracy, seconds, epochs: epoch, complete: epoch === settings.epochs }];
  });
}

/** Writes report.html and report.json, each whole or not at all, and answers their paths. */
export async function writeReport(result: Result): Promise<{ readonly html: string; readonly json: string }> {
  const { settings, gradientChecks, epochs } = result;
  mkdirSync(settings.out, { recursive: true });
  const json = join(settings.out, "report.json");
  const html = join(settings.out, "report.html");
  const content = { seed: settings.seed, settings, gradientChecks, networks: networksOf(result), epochs };
  writeWhole(json, `${JSON.stringify(content, null, 2)}\n`);
  writeWhole(html, await renderReport(result, networksOf(result)));
  return { html, json };
}

function writeWhole(path: string, text: string): void {
  writeFileSync(`${path}.part`, text);
  renameSync(`${path}.part`, path);
}
