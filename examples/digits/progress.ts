/** What is seen while the networks train: a bar for each on a terminal, a line an epoch elsewhere. */
import { MultiBar } from "cli-progress";
import type { SingleBar } from "cli-progress";
import type { NormName } from "./model.ts";
import type { Settings } from "./settings.ts";
import type { Epoch, Step } from "./train.ts";

export interface TrainingProgress {
  readonly onStep: (step: Step) => void;
  readonly onEpoch: (epoch: Epoch) => void;
  readonly stop: () => void;
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
