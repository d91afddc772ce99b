/**
 * `npm run soak`: 100,000 training steps, after which the heap must be as large as after the first ten thousand. A few hundred
 * losses are kept, as a training loop does that plots them: a kept loss must not keep the activations of its step.
 */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { Presets, SingleBar } from "cli-progress";
import { Generator, randn } from "normgrad";
import type { Tensor } from "normgrad";
import { crossEntropy, Linear, ReLU, Sequential, SGD } from "normgrad/nn";
import { BatchNorm1d, LayerNorm } from "normgrad/norms";

const STEPS = Number(process.argv[2] ?? 100_000);
/** Until compiled code and caches are all there. */
const WARM_UP = Math.min(10_000, STEPS / 10);
const KEPT_LOSSES = 400;
/** Garbage collection is not exact; a leak of one small array a step would be a hundred times this. */
const ALLOWED_MEGABYTES = 1;

setFlagsFromString("--expose-gc");
const collectGarbage: () => void = runInNewContext("gc");

function megabytes(): number {
  collectGarbage();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return (heapUsed + arrayBuffers) / 2 ** 20;
}

const generator = new Generator(0);
const options = { generator };
const model = new Sequential(
  new Linear(6, 10, options),
  new BatchNorm1d(10),
  new ReLU(),
  new Linear(10, 7, options),
  new LayerNorm(7),
  new Linear(7, 3, options),
);
const optimizer = new SGD(model.parameters(), { lr: 0.01, momentum: 0.9 });
const inputs = randn([9, 6], options);
const labels = Array.from({ length: 9 }, (_, i) => i % 3);
const kept: Tensor[] = [];

const bar = new SingleBar(
  { format: "{bar} {percentage}%  {eta_formatted} left  heap {heap} MB" },
  Presets.shades_classic,
);
bar.start(STEPS, 0, { heap: "…" });
let before = 0;
let after = 0;
for (let step = 1; step <= STEPS; step++) {
  optimizer.zeroGrad();
  const loss = crossEntropy(model.forward(inputs), labels);
  loss.backward();
  optimizer.step();
  kept[step % KEPT_LOSSES] = loss;
  if (step === WARM_UP) before = megabytes();
  if (step % 5000 === 0 || step === STEPS) {
    after = megabytes();
    bar.update(step, { heap: after.toFixed(2) });
  }
}
bar.stop();

const growth = after - before;
console.log(`heap after ${WARM_UP} steps ${before.toFixed(2)} MB, after ${STEPS} steps ${after.toFixed(2)} MB`);
if (growth > ALLOWED_MEGABYTES) {
  console.error(
    `soak: expected the heap to grow by at most ${ALLOWED_MEGABYTES} MB, it grew by ${growth.toFixed(2)} MB`,
  );
  process.exitCode = 1;
}
