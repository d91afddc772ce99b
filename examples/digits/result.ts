/** What a run has found, as far as it came. */
import type { GradientCheck } from "./gradientChecks.ts";
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
