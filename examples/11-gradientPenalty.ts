import { Generator, grad, NdArray, randn, tensor } from "normgrad";
import type { Module, Tensor } from "normgrad";
import { Adam, Linear, Sequential, Tanh } from "normgrad/nn";
import { BatchNorm1d, LayerNorm } from "normgrad/norms";
import { curves } from "./shared/chart.ts";
import { lesson } from "./shared/lesson.ts";
import { short } from "./shared/text.ts";

const { quick, seed, heading, say, table, figure, check, progress } = lesson(import.meta.url, {
  title: "A gradient penalty: second order through a norm",
  claim:
    "A loss may contain a gradient; training it differentiates the norm's backward once more. The penalty wants samples that do not know each other: LayerNorm keeps them apart, BatchNorm does not.",
  source: "Gulrajani et al. (2017), Improved training of Wasserstein GANs, section 4, https://arxiv.org/abs/1704.00028",
});

const WIDTH = 16;
const generator = new Generator(seed);
const critic = (norm: Module): Sequential =>
  new Sequential(new Linear(2, WIDTH, { generator }), norm, new Tanh(), new Linear(WIDTH, 1, { generator }));

/** How steep the critic is at each point: ‖∂critic/∂x‖. With createGraph it can be differentiated itself. */
function steepness(model: Sequential, points: Tensor, createGraph = false): Tensor {
  const x = tensor(points.data, { shape: points.shape, requiresGrad: true });
  const [gradX = x] = grad(model.forward(x).sum(), [x], { createGraph });
  return gradX.square().sum([1]).sqrt();
}

/** The penalty: the mean of (‖∂critic/∂x‖ − 1)². */
const penaltyOf = (model: Sequential, points: Tensor): Tensor => steepness(model, points, true).sub(1).square().mean();

heading("A gradient inside of a loss");
const withLayerNorm = critic(new LayerNorm(WIDTH));
const points = randn([6, 2], { generator });
const penalty = penaltyOf(withLayerNorm, points);
penalty.backward();
say(`A critic scores points of the plane; the penalty is the mean of (‖∂score/∂point‖ − 1)², here ${short(penalty.item())}.
  Its own gradient goes through the backward of LayerNorm. Six weights of the first layer, beside a nudge of 1e-5:`);
const [first] = withLayerNorm.parameters();
const rows = [0, 1, 2, 3, 4, 5].map((i) => [`weight[${i}]`, first?.grad?.data[i] ?? NaN, nudged(i, 1e-5)] as const);
table(["", "penalty.backward()", "nudged"], rows);
check(
  "second order is right: both agree within 1e-7",
  rows.every(([, exact, measured]) => Math.abs(exact - measured) < 1e-7),
);

heading("Who is in whose gradient?");
say(`The penalty asks how steep the score of one point is at that point. So move another point, and the score should not
  care. ∂(score of point 0)/∂(point i), as the length of the gradient:`);
const withBatchNorm = critic(new BatchNorm1d(WIDTH));
const reach = (model: Sequential): number[] => {
  const x = tensor(points.data, { shape: points.shape, requiresGrad: true });
  const [gradX = x] = grad(
    model
      .forward(x)
      .reshape([6])
      .mul(tensor([1, 0, 0, 0, 0, 0]))
      .sum(),
    [x],
  );
  return [...gradX.square().sum([1]).sqrt().data];
};
const [ofLayer, ofBatch] = [reach(withLayerNorm), reach(withBatchNorm)];
table(
  ["", ...ofLayer.map((_, i) => `point ${i}`)],
  [
    ["LayerNorm", ...ofLayer],
    ["BatchNorm", ...ofBatch],
  ],
);
check(
  "with LayerNorm only its own point reaches a score",
  ofLayer.every((length, i) => length > 0 === (i === 0)),
);
check(
  "with BatchNorm every point of the batch does",
  ofBatch.every((length) => length > 0),
);

heading("Training with it and without");
const steps = quick ? 120 : 400;
say(`Two critics learn in ${steps} steps to score a ring high and its centre low. One pays 10 times the penalty, at points
  between ring and centre; the other may become as steep as it likes.`);
const runs = [train("no penalty", 0), train("penalty", 10)];
await figure(
  "steepness",
  curves(runs.flat(), { x: "step", y: "mean ‖∂score/∂point‖", zero: true }),
  "How steep the critic is between the ring and its centre, with the penalty and without",
);
const [free, held] = runs.map((run) => run.at(-1)?.y ?? NaN);
table(
  ["", "steepness at the end"],
  [
    ["no penalty", free ?? NaN],
    ["penalty", held ?? NaN],
  ],
);
check("with the penalty the critic is about as steep as 1", Math.abs((held ?? NaN) - 1) < 0.3);
check("without it is at least three times as steep", (free ?? NaN) > 3);

function train(name: string, weight: number): { name: string; x: number; y: number }[] {
  const draws = new Generator(seed);
  const model = new Sequential(
    new Linear(2, WIDTH, { generator: draws }),
    new LayerNorm(WIDTH),
    new Tanh(),
    new Linear(WIDTH, 1, { generator: draws }),
  );
  const optimizer = new Adam(model.parameters(), { lr: 0.02 });
  return Array.from({ length: steps }, (_, step) => {
    const directions = randn([32, 2], { generator: draws });
    const ring = directions.div(directions.square().sum([1], true).sqrt()).mul(2);
    const centre = randn([32, 2], { generator: draws }).mul(0.3);
    const share = tensor(Array.from({ length: 32 }, () => [draws.uniform()]));
    const between = ring.mul(share).add(centre.mul(share.neg().add(1)));
    optimizer.zeroGrad();
    const score = model.forward(centre).mean().sub(model.forward(ring).mean());
    const loss = weight === 0 ? score : score.add(penaltyOf(model, between).mul(weight));
    loss.backward();
    optimizer.step();
    progress(`${name}: step ${step + 1} of ${steps}`);
    return { name, x: step + 1, y: steepness(model, between).mean().item() };
  });
}

/** The slope of the penalty along one number of the first layer's weight, measured. */
function nudged(i: number, h: number): number {
  const [parameter] = withLayerNorm.parameters();
  if (!parameter) return NaN;
  const { data, shape } = parameter;
  const at = (by: number): number => {
    parameter.value = new NdArray(
      data.map((value, j) => (i === j ? value + by : value)),
      shape,
    );
    return penaltyOf(withLayerNorm, points).item();
  };
  const slope = (at(h) - at(-h)) / (2 * h);
  parameter.value = new NdArray(data, shape);
  return slope;
}
