/** What is seen of the work: bars on a terminal; elsewhere a line for the gradient checks and one an epoch. */
import { MultiBar, Presets, SingleBar } from "cli-progress";
import type { NormName } from "./model.ts";
import type { Settings } from "./settings.ts";
import type { Epoch, Step } from "./train.ts";

export interface TrainingProgress {
  readonly onStep: (step: Step) => void;
  readonly onEpoch: (epoch: Epoch) => void;
  readonly stop: () => void;
}

export interface CheckProgress {
  readonly onCheck: () => void;
  readonly stop: () => void;
}

export function showChecks(total: number): CheckProgress {
  if (!process.stdout.isTTY) {
    console.log(`  running ${total} checks`);
    return { onCheck: () => {}, stop: () => {} };
  }
  const bar = new SingleBar(
    { format: "  {bar} {value}/{total}", barsize: 24, clearOnComplete: true, stream: process.stdout },
    Presets.shades_classic,
  );
  bar.start(total, 0);
  return { onCheck: () => bar.increment(), stop: () => bar.stop() };
}

export function showProgress(settings: Settings): TrainingProgress {
  return process.stdout.isTTY ? bars(settings) : lines(settings);
}

function bars({ norms }: Settings): TrainingProgress {
  const multi = new MultiBar({
    format: "  {name} {bar} {percentage}%  loss {loss}  test accuracy {accuracy}",
    barCompleteChar: "█",
    barIncompleteChar: "░",
    barsize: 24,
    hideCursor: true,
    stopOnComplete: false,
    stream: process.stdout,
  });
  const shown = new Map<NormName, SingleBar>(
    norms.map((norm) => [norm, multi.create(1, 0, { name: norm.padEnd(12), loss: "  –   ", accuracy: "–" })]),
  );
  return {
    onStep: ({ norm, step, steps, loss }) => {
      shown.get(norm)?.setTotal(steps);
      shown.get(norm)?.update(step, { loss: loss.toFixed(4) });
    },
    onEpoch: ({ norm, testAccuracy }) => shown.get(norm)?.update({ accuracy: percent(testAccuracy) }),
    stop: () => multi.stop(),
  };
}

function lines({ epochs }: Settings): TrainingProgress {
  return {
    onStep: () => {},
    onEpoch: ({ norm, epoch, trainLoss, testAccuracy }) =>
      console.log(
        `  ${norm.padEnd(12)} epoch ${String(epoch).padStart(String(epochs).length)}/${epochs}` +
          `  loss ${trainLoss.toFixed(4)}  test accuracy ${percent(testAccuracy)}`,
      ),
    stop: () => {},
  };
}

export function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}
