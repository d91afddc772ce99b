import { Generator, setDefaultDtype, zeros } from "normgrad";
import type { Module } from "normgrad";
import { crossEntropy, DataLoader, Flatten, Linear, Sequential, SGD } from "normgrad/nn";
import { Tanh, TensorDataset, xavierNormal } from "normgrad/nn";
import { BatchNorm1d, LayerNorm } from "normgrad/norms";
import { percentOf, rightOf } from "./shared/accuracy.ts";
import { curves } from "./shared/chart.ts";
import { loadDigits } from "./shared/digits.ts";
import { lesson } from "./shared/lesson.ts";
import { type Spread, spreadOf, spreadPoint, spreadText } from "./shared/spread.ts";

const { quick, seed, heading, say, table, figure, check, progress } = lesson(import.meta.url, {
  title: "Depth and learning rate",
  claim:
    "A network of 30 layers trains with a norm and does not without; and with the norm it bears a larger learning rate.",
  source:
    "Ioffe, Szegedy (2015), Batch normalization, https://arxiv.org/abs/1502.03167; Bjorck et al. (2018), Understanding batch normalization, https://arxiv.org/abs/1806.02375",
});

setDefaultDtype("float32");
const [DEPTH, WIDTH, BATCH, STEPS, LAST] = [30, 24, 32, quick ? 28 : 100, quick ? 10 : 20];
const RATES = quick ? [0.1] : [0.001, 0.003, 0.01, 0.03, 0.1];
const SEEDS = Array.from({ length: quick ? 2 : 4 }, (_, i) => seed + i);
const BAND = `mean of ${SEEDS.length} seeds, band from the smallest to the largest`;

/** How large the weights are drawn (null: as Linear does, as PyTorch does), and the norm that follows them. */
interface Method {
  readonly name: string;
  readonly gain: number | null;
  readonly norm: (() => Module) | null;
}
const PYTORCH: Method = { name: "PyTorch weights", gain: null, norm: null };
const XAVIER: Method = { name: "Xavier, gain 1", gain: 1, norm: null };
const LARGER: Method = { name: "Xavier, gain 1.2", gain: 1.2, norm: null };
const LAYER: Method = { name: "LayerNorm", gain: 1, norm: () => new LayerNorm(WIDTH) };
const BATCHES: Method = { name: "BatchNorm", gain: 1, norm: () => new BatchNorm1d(WIDTH) };
const METHODS = [PYTORCH, XAVIER, LARGER, LAYER, BATCHES];

function network({ gain, norm }: Method, generator: Generator): { model: Sequential; hidden: readonly Linear[] } {
  const hidden = Array.from({ length: DEPTH }, (_, i) => {
    const layer = new Linear(i === 0 ? 64 : WIDTH, WIDTH, { bias: norm === null, generator }); // a norm has its own
    if (gain !== null) layer.weight.value = xavierNormal(layer.weight.shape, { gain, generator }).value;
    if (gain !== null && layer.bias) layer.bias.value = zeros([WIDTH]).value;
    return layer;
  });
  const layers = hidden.flatMap((layer) => [layer, ...(norm ? [norm()] : []), new Tanh()]);
  return { model: new Sequential(new Flatten(), ...layers, new Linear(WIDTH, 10, { generator })), hidden };
}

/** The training images, moved to have the mean 0: no method has to learn that first. */
const digits = SEEDS.map((one) => {
  const { images, labels } = loadDigits({ seed: one }).train;
  return { one, data: new TensorDataset(images.sub(images.mean([0], true)).div(images.variance().sqrt()), labels) };
});

/** One value a seed: the gradients of the first step, and in % what the last batches had right, before they were learned. */
function train(method: Method, lr: number, steps: number): { gradients: readonly number[]; right: number }[] {
  return digits.map(({ one, data }) => {
    const generator = new Generator(one);
    const { model, hidden } = network(method, generator);
    const loader = new DataLoader(data, { batchSize: BATCH, shuffle: true, dropLast: true, generator });
    const optimizer = new SGD(model.parameters(), { lr, momentum: 0.9 });
    const right: boolean[] = [];
    let gradients: readonly number[] = [];
    for (let step = 0; step < steps;) {
      for (const [images, labels] of loader) {
        if (++step > steps) break;
        optimizer.zeroGrad();
        const logits = model.forward(images);
        crossEntropy(logits, labels).backward();
        if (step === 1) gradients = hidden.map(({ weight }) => weight.grad?.square().sum().sqrt().item() ?? NaN);
        if (step > steps - LAST) right.push(...rightOf(logits, labels));
        optimizer.step();
      }
    }
    return { gradients, right: percentOf(right) };
  });
}

heading("The gradient of each layer before any training");
say(`${DEPTH} layers of ${WIDTH} numbers with tanh, without shortcuts, on the digits. Without a norm the weights are drawn in three
  ways; the norms follow weights of gain 1. The length of the gradient of a layer's weights in the first step, mean of
  ${SEEDS.length} seeds; and the first layer's divided by the last one's, smallest and largest of the seeds:`);
const firstSteps = METHODS.map((method) => {
  const seeds = train(method, 0, 1).map(({ gradients }) => gradients);
  const layers = Array.from({ length: DEPTH }, (_, i) => seeds.map((gradients) => gradients[i] ?? NaN));
  const { low, high } = spreadOf(seeds.map((gradients) => (gradients[0] ?? NaN) / (gradients.at(-1) ?? NaN)));
  return { method, layers, low, high };
});
table(
  ["", "layer 1", "layer 10", "layer 20", "layer 30", "1 ÷ 30, smallest", "largest"],
  firstSteps.map(({ method, layers, low, high }) => {
    const means = [1, 10, 20, 30].map((layer) => spreadOf(layers[layer - 1] ?? []).mean);
    return [method.name, ...means, low, high];
  }),
);
const gradientPoints = firstSteps.flatMap(({ method, layers }) =>
  layers.map((values, i) => spreadPoint(method.name, i + 1, values)),
);
const across = { x: "layer; 1 is next to the image", y: "‖∂loss/∂weight‖", yScale: "log" } as const;
await figure("gradients", curves(gradientPoints, across), `The gradient of each layer in the first step: ${BAND}`);
const ratioOf = (wanted: Method): { low: number; high: number } =>
  firstSteps.find(({ method }) => method === wanted) ?? { low: NaN, high: NaN };
check("with PyTorch's weights less than 1/10,000 of the gradient reaches layer 1", ratioOf(PYTORCH).high < 1e-4);
check("with gain 1 it stays within a factor of 20", ratioOf(XAVIER).low > 1 / 20 && ratioOf(XAVIER).high < 20);
check("with BatchNorm it grows more than fivefold on its way to layer 1", ratioOf(BATCHES).low > 5);
say(`So a norm does not keep the gradient as it is: through BatchNorm it grows from layer to layer, as Yang et al. (2019), A
  mean field theory of batch normalization, https://arxiv.org/abs/1902.08129, derive. Does it train?`);

heading("Training at every rate");
say(`${STEPS} steps of SGD with momentum 0.9, batches of ${BATCH}. How many images in 100 were named rightly in the last ${LAST} batches,
  before the step that learned from them? Mean, smallest and largest of ${SEEDS.length} seeds; guessing gives 10.`);
const results = METHODS.map((method) => {
  const tried = RATES.map((lr) => {
    progress(`${method.name}, rate ${lr}`);
    return { lr, right: train(method, lr, STEPS).map(({ right }) => right) };
  });
  const best = tried.reduce((a, b) => (spreadOf(b.right).mean > spreadOf(a.right).mean ? b : a));
  return { method, tried, best: best.right, rate: best.lr, last: spreadOf(tried.at(-1)?.right ?? []) };
});
table(
  ["", ...RATES.map((lr) => `rate ${lr}`), "best"],
  results.map(({ method, tried, rate }) => [method.name, ...tried.map(({ right }) => spreadText(right, 0)), `${rate}`]),
);
const ratePoints = results.flatMap(({ method, tried }) => tried.map((t) => spreadPoint(method.name, t.lr, t.right)));
const axes = { x: "learning rate", y: "images named rightly, %", xScale: "log10", zero: true } as const;
if (!quick)
  await figure("rates", curves(ratePoints, axes), `What ${STEPS} steps reach, against the learning rate: ${BAND}`);
const bestOf = (wanted: Method): readonly number[] => results.find(({ method }) => method === wanted)?.best ?? [];
const most = Math.max(
  ...results.flatMap(({ method, tried }) => (method === PYTORCH ? tried.flatMap((t) => t.right) : [])),
);
check("with PyTorch's weights and no norm, no rate and no seed gets 20 in 100 right", most < 20);
check("BatchNorm gets more than twice as many, with each seed", spreadOf(bestOf(BATCHES)).low > 2 * most);
const top = (wanted: Method): Spread => results.find(({ method }) => method === wanted)?.last ?? spreadOf([]);
const others = METHODS.filter((method) => method !== BATCHES).map((method) => top(method).high);
const ahead = top(BATCHES).low > Math.max(...others);
check(`at rate ${RATES.at(-1)} BatchNorm's worst seed is ahead of all without it`, ahead);
const texts = [BATCHES, XAVIER, LARGER, LAYER].map((method) => spreadText(bestOf(method), 0));
say(`Against PyTorch's weights the claim reproduces. That no network without a norm trains does not: at its best rate
  BatchNorm gets ${texts[0]} right, no norm and gain 1 ${texts[1]}, gain 1.2 ${texts[2]}. Depth needs weights
  of the right size, and BatchNorm spares one the search for it. LayerNorm, ${texts[3]}, is no such help here. The larger
  rate reproduces for BatchNorm alone: at ${RATES.at(-1)} it has ${top(BATCHES).mean.toFixed(0)}, no other seed more than ${Math.max(...others).toFixed(0)}.`);
say(`How this was set up: the images are moved to have the mean 0. The best rate is chosen by the numbers shown, which flatters
  each a little. Gain 1.2 is the best of 1, 1.2 and 5/3 in trials with seeds 1 and 2, which are among those above. Tanh was
  taken after trials with ReLU and two seeds, where BatchNorm's lead over He's weights was smaller.`);
