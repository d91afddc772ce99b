/**
 * Faults of state, as an op: a layer is trained on two batches and evaluated twice on the second, and what is checked are all
 * four outputs and the running statistics, one after the other. All is made anew for each call.
 */
import type { Num, Tensor } from "../../src/autograd/index.ts";
import { runningNormForward } from "../../src/norms/index.ts";
import type { Fault } from "../../src/gradcheck/fault.ts";
import type { Domain, Mutant, NormName, Options, Setting, Specimen } from "./mutant.ts";
import { at, shapeOf } from "./domain.ts";
import { asOp } from "./specimen.ts";
import { countOf, normalize, StatefulNorm } from "./statefulNorm.ts";
import type { StateFaults } from "./statefulNorm.ts";

const MOST_CELLS = 16;

function seriesDomain(perSample: boolean): Domain {
  return {
    dims: { N: [1, 3], C: [1, 4], L: [1, 6] },
    params: { eps: [1e-5, 1], momentum: perSample ? [0.1, 0.75] : [0.1, 0.75, null] },
    where: (setting) => setting.N * setting.C * setting.L <= MOST_CELLS && countOf(shapeOf(setting), perSample) > 1,
    shapes: (setting) => ({ x1: shapeOf(setting), x2: shapeOf(setting), weight: [setting.C], bias: [setting.C] }),
  };
}

/** The series as a formula. */
function seriesForward(perSample: boolean): <A extends Num<A>>(inputs: readonly A[], setting: Setting) => A {
  return <A extends Num<A>>(inputs: readonly A[], { C, eps, momentum = 0.1 }: Setting): A => {
    const [weight, bias] = [at(inputs, 2), at(inputs, 3)];
    const constant = (value: number): A => weight.constant(() => new Float64Array(C).fill(value), [C]);
    let running = { mean: constant(0), variance: constant(1) };
    const outputs = [at(inputs, 0), at(inputs, 1)].map((x, i) => {
      const { output, mean, variance } = normalize(x, weight, bias, { eps, perSample });
      const n = countOf(x.shape, perSample);
      const factor = momentum ?? 1 / (i + 1);
      running = {
        mean: running.mean.mul(1 - factor).add(mean.detach().mul(factor)),
        variance: running.variance.mul(1 - factor).add(
          variance
            .detach()
            .mul(factor)
            .mul(n)
            .div(n - 1),
        ),
      };
      return output;
    });
    const { output } = runningNormForward(at(inputs, 1), running.mean, running.variance, weight, bias, { eps });
    return flat([...outputs, output, output, running.mean, running.variance]);
  };
}

function flat<A extends Num<A>>(arrays: readonly A[]): A {
  const [first, ...rest] = arrays.map((array) => array.reshape([array.shape.reduce((a, b) => a * b, 1)]));
  if (first === undefined) throw new RangeError("flat: expected arrays");
  return first.concat(rest, 0);
}

const isPerSample = (norm: NormName): boolean => norm === "instanceNorm";
const usual: Options = { eps: 1e-5, momentum: 0.1 };

interface Trained {
  readonly layer: StatefulNorm;
  readonly forward: (x: Tensor) => Tensor;
  readonly outputs: readonly Tensor[];
}

/** The series with faults; none of them: the right one. */
export function series(faults: StateFaults): (norm: NormName) => Specimen {
  return (norm) => {
    const perSample = isPerSample(norm);
    const under = { domain: seriesDomain(perSample), forward: seriesForward(perSample), usual };
    const train = (inputs: readonly Tensor[], { C, eps, momentum = 0.1 }: Setting): Trained => {
      const layer = new StatefulNorm(C, { eps, momentum, perSample }, faults);
      const forward = (x: Tensor): Tensor => layer.forward(x, at(inputs, 2), at(inputs, 3));
      return { layer, forward, outputs: [forward(at(inputs, 0)), forward(at(inputs, 1))] };
    };
    const op = (inputs: readonly Tensor[], setting: Setting): Tensor => {
      const { layer, forward, outputs } = train(inputs, setting);
      layer.training = false;
      const evaluated = [forward(at(inputs, 1)), forward(at(inputs, 1))];
      return flat([...outputs, ...evaluated, layer.mean, layer.variance]);
    };
    // Running statistics are constants to the tape and move under differences: the right series would seem wrong.
    const training = (inputs: readonly Tensor[], setting: Setting): Tensor => flat(train(inputs, setting).outputs);
    return asOp(norm, op, under, training);
  };
}

function evalDomain(): Domain {
  return {
    dims: { N: [1, 3], C: [1, 4], L: [1, 6] },
    params: { eps: [1e-5, 1] },
    where: ({ N, L }) => N * L > 1 && L > 1,
    shapes: (setting) => ({ x: shapeOf(setting), weight: [setting.C], bias: [setting.C] }),
  };
}

/** Evaluation by layers, one for each number of channels, that live on from call to call. */
export function evaluation(faults: StateFaults): (norm: NormName) => Specimen {
  return (norm) => {
    const layers = new Map<string, StatefulNorm>();
    const layerOf = (channels: number, eps: number): StatefulNorm => {
      const known = layers.get(`${channels} ${eps}`);
      if (known) return known;
      const layer = new StatefulNorm(channels, { eps, momentum: 0.1, perSample: isPerSample(norm) }, faults);
      layer.training = false;
      layers.set(`${channels} ${eps}`, layer);
      return layer;
    };
    const forward = <A extends Num<A>>(inputs: readonly A[], { C, eps }: Setting): A => {
      const weight = at(inputs, 1);
      const constant = (value: number): A => weight.constant(() => new Float64Array(C).fill(value), [C]);
      return runningNormForward(at(inputs, 0), constant(0), constant(1), weight, at(inputs, 2), { eps }).output;
    };
    const op = (inputs: readonly Tensor[], { C, eps }: Setting): Tensor =>
      layerOf(C, eps).forward(at(inputs, 0), at(inputs, 1), at(inputs, 2));
    return asOp(norm, op, { domain: evalDomain(), forward, usual });
  };
}

const both: readonly NormName[] = ["batchNorm", "instanceNorm"];

const inSeries = (name: string, planted: Fault, faults: StateFaults, norms = both): Mutant => ({
  name,
  group: "state",
  planted,
  norms,
  make: series(faults),
});

export const stateMutants: readonly Mutant[] = [
  inSeries("momentum swapped", "output", { momentum: (momentum) => 1 - momentum }),
  inSeries("biased running variance", "output", { correction: 0 }),
  inSeries("batches counted too late", "output", { countsLate: true }, ["batchNorm"]),
  inSeries("running statistics never updated", "output", { neverUpdates: true }),
  inSeries("the batch's own statistics in evaluation", "output", { ownInEval: true }),
  inSeries("the running statistics in training", "output", { runningInTraining: true }),
  inSeries("statistics saved by an earlier forward", "state", { saved: "stale" }),
  inSeries("saved arrays overwritten by the next forward", "state", { saved: "latest" }),
  inSeries("running statistics kept on the tape", "state", { attached: true }),
  {
    name: "running statistics updated in evaluation",
    group: "state",
    planted: "state",
    norms: both,
    make: evaluation({ updatesInEval: true }),
  },
];
