import { Generator, grad, NdArray, randn, tensor } from "normgrad";
import type { Module, Tensor } from "normgrad";
import { Adam, Linear, Sequential, Tanh } from "normgrad/nn";
import { BatchNorm1d, LayerNorm } from "normgrad/norms";
import { curves } from "./shared/chart.ts";
import { lesson } from "./shared/lesson.ts";
import { pointsAlong, spreadText } from "./shared/spread.ts";
import { short } from "./shared/text.ts";

const { quick, seed, heading, say, table, figure, check, progress } = lesson(import.meta.url, {
  title: "A gradient penalty: second order through a norm",
  claim:
    "A loss may contain a gradient; training it differentiates the norm's backward once more. The penalty wants samples that do not know each other: LayerNorm keeps them apart, BatchNorm does not.",
  source: "Gulrajani et al. (2017), Improved training of Wasserstein GANs, section 4, https://arxiv.org/abs/1704.00028",
});

const [WIDTH, EVERY] = [16, 10];
const generator = new Generator(seed);
const critic = (norm: Module, generator: Generator): Sequential =>
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
const withLayerNorm = critic(new LayerNorm(WIDTH), generator);
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
const withBatchNorm = critic(new BatchNorm1d(WIDTH), generator);
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
const compared = [["LayerNorm", ...ofLayer] as const, ["BatchNorm", ...ofBatch] as const];
table(["", ...ofLayer.map((_, i) => `point ${i}`)], compared);
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
const seeds = Array.from({ length: quick ? 2 : 4 }, (_, i) => seed + i);
say(`Critics learn in ${steps} steps to score a ring high and its centre low: ${seeds.length} that pay 10 times the penalty, at points
  between ring and centre, and ${seeds.length} that may become as steep as they like. Steepness at the end, mean (smallest …
  largest) of the seeds:`);
const [free, held] = [runsOf("no penalty", 0), runsOf("penalty", 10)];
const ends = [free, held].map((runs, i) => [i === 0 ? "no penalty" : "penalty", spreadText(lastOf(runs), 2)]);
table(["", "mean ‖∂score/∂point‖"], ends);
await figure(
  "steepness",
  curves([...pointsAlong("no penalty", EVERY, free), ...pointsAlong("penalty", EVERY, held)], {
    x: "step",
    y: "mean ‖∂score/∂point‖",
    yScale: "log",
  }),
  `How steep the critic is between the ring and its centre: mean of ${seeds.length} seeds, band from the smallest to the largest`,
);
check(
  "with the penalty every critic is about as steep as 1",
  lastOf(held).every((end) => Math.abs(end - 1) < 0.3),
);
check("without it each is at least three times as steep", Math.min(...lastOf(free)) > 3);

function lastOf(runs: readonly (readonly number[])[]): number[] {
  return runs.map((run) => run.at(-1) ?? NaN);
}

/** One a seed: the steepness after every tenth step. */
function runsOf(name: string, weight: number): number[][] {
  return seeds.map((one) => {
    progress(`${name}: seed ${one}`);
    return train(weight, new Generator(one));
  });
}

function train(weight: number, draws: Generator): number[] {
  const model = critic(new LayerNorm(WIDTH), draws);
  const optimizer = new Adam(model.parameters(), { lr: 0.02 });
  const seen: number[] = [];
  for (let step = 1; step <= steps; step++) {
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
    if (step % EVERY === 0) seen.push(steepness(model, between).mean().item());
  }
  return seen;
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
