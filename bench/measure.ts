/** Nanoseconds a step, as the median of batches that are long enough for the clocks. */
import { median } from "./statistics.ts";

const BATCH_SECONDS = 0.02;
const LEAST_BATCHES = 3;

export interface Times {
  readonly cpu: number;
  readonly wall: number;
}

/** V8 compiles what runs often in the background, and not at once. */
const WARM_SECONDS = 0.3;

/** Warms up, then measures for `seconds`, but at least three batches. */
export function measure(step: () => unknown, seconds: number): Times {
  const warm = batch(step, (done, elapsed) => elapsed < WARM_SECONDS || (done < 3 && elapsed < 1));
  const steps = Math.max(1, Math.ceil((BATCH_SECONDS * 1e9) / warm.wall));
  const times: Times[] = [];
  const start = process.hrtime.bigint();
  while (times.length < LEAST_BATCHES || Number(process.hrtime.bigint() - start) < seconds * 1e9) {
    times.push(batch(step, (done) => done < steps));
  }
  return { cpu: median(times.map(({ cpu }) => cpu)), wall: median(times.map(({ wall }) => wall)) };
}

/** Steps as long as `goesOn` says, with the steps done and the seconds that passed. At least one. */
function batch(step: () => unknown, goesOn: (done: number, elapsed: number) => boolean): Times {
  const cpu = process.cpuUsage();
  const wall = process.hrtime.bigint();
  let done = 0;
  do {
    step();
    done++;
  } while (goesOn(done, Number(process.hrtime.bigint() - wall) / 1e9));
  const elapsed = Number(process.hrtime.bigint() - wall);
  const { user, system } = process.cpuUsage(cpu);
  return { cpu: ((user + system) * 1e3) / done, wall: elapsed / done };
}
