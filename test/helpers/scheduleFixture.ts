/** Schedules against PyTorch's rates and momenta, for the two groups that test/pytorch/recurrent.py has. */
import { Parameter, tensor } from "../../src/autograd/index.ts";
import { Adam } from "../../src/nn/adam.ts";
import type { LRScheduler, Scheduled } from "../../src/nn/lrScheduler.ts";
import { SGD } from "../../src/nn/sgd.ts";
import { expectClose } from "./laws.ts";
import { decoded, PYTORCH } from "./nnFixture.ts";
import type { ScheduleCase } from "./recurrentFixture.ts";
import { NdArray } from "../../src/autograd/index.ts";

/** Two groups with the initial rates 0.3 and 0.1, and with momentum 0.5 where the optimizer has one. */
export function twoGroups(kind: "SGD" | "Adam" = "SGD"): SGD | Adam {
  const groups = [0.3, 0.1].map((lr) => ({ params: [new Parameter(tensor(1))], lr }));
  return kind === "SGD" ? new SGD(groups, { lr: 0.3, momentum: 0.5 }) : new Adam(groups);
}

/** Rate and momentum of every group, as they are. */
function present(optimizer: Scheduled): readonly (readonly [lr: number, momentum: number])[] {
  return optimizer.paramGroups.map(({ lr, momentum, betas }) => [lr, betas?.[0] ?? momentum ?? NaN]);
}

/** The schedule sets what PyTorch's does, at the beginning and after each step; and foretold it. */
export function expectAsPyTorchSchedules<Options>(
  { scheduler, optimizer: kind, lrs, momenta }: ScheduleCase<Options>,
  make: (optimizer: Scheduled) => LRScheduler,
): void {
  const optimizer = twoGroups(kind);
  const schedule = make(optimizer);
  const [steps = 0, groups = 0] = lrs.shape;
  const rows = Array.from({ length: steps }, (_, step) => {
    const foretold = schedule.settingsAt(step);
    if (step > 0) schedule.step();
    const now = present(optimizer);
    foretold.forEach(({ lr, momentum }, i) => {
      if (now[i]?.[0] !== lr || (momentum !== null && now[i]?.[1] !== momentum)) {
        throw new Error(
          `${scheduler}: expected what settingsAt foretold, ${lr} and ${momentum}, got ${String(now[i])}`,
        );
      }
    });
    return now;
  }).flat();
  const column = (k: 0 | 1): NdArray =>
    new NdArray(
      Float64Array.from(rows, (row) => row[k]),
      [steps, groups],
    );
  expectClose(`${scheduler}: rates`, column(0), decoded(lrs), PYTORCH);
  expectClose(`${scheduler}: momenta`, column(1), decoded(momenta), PYTORCH);
}
