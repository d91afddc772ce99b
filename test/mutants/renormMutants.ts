/** What can go wrong with BatchRenorm's r and d, and with the running statistics that they are made of. */
import type { Num, Tensor } from "../../src/autograd/index.ts";
import { batchRenormForward } from "../../src/norms/index.ts";
import { at, perChannel, shapeOf } from "./domain.ts";
import type { Domain, Mutant, Setting, Specimen } from "./mutant.ts";
import { renormCorrection, runningOf } from "./renormCorrection.ts";
import type { Running } from "./renormCorrection.ts";
import { special } from "./special.ts";
import { asOp } from "./specimen.ts";

const renorm = special("BatchRenorm", "batchRenorm");

type Attached = Parameters<typeof renormCorrection>[4];

interface Faults {
  readonly attached?: Attached;
  /** r and d are made of running statistics that this batch has moved. */
  readonly late?: boolean;
  /** What the running standard deviation moves towards, from the batch's. */
  readonly tracked?: <A extends Num<A>>(std: A, setting: Setting) => A;
  readonly momentum?: (momentum: number) => number;
}

const MOMENTUM = 0.1;

/** One step of training: the output, and the running statistics after it. */
function step<A extends Num<A>>(
  x: A,
  [weight, bias]: readonly [A, A],
  running: Running<A>,
  setting: Setting,
  { attached = null, late = false, tracked = (std) => std, momentum = (value) => value }: Faults,
): { readonly output: A; readonly running: Running<A> } {
  const options = { eps: setting.eps, convention: "paper" as const };
  const none = { scale: weight.mul(0).reshape([1, setting.C, 1]), shift: weight.mul(0).reshape([1, setting.C, 1]) };
  const { mean, std } = batchRenormForward(x.detach(), null, null, none, options);
  const moved = (old: A, value: A): A => old.mul(1 - momentum(MOMENTUM)).add(value.mul(momentum(MOMENTUM)));
  const next = { mean: moved(running.mean, mean), std: moved(running.std, tracked(std, setting)) };
  const correction = renormCorrection(x, late ? next : running, setting, {}, attached);
  return { output: batchRenormForward(x, weight, bias, correction, options).output, running: next };
}

/** Two batches, one after the other: both outputs and the running statistics. */
function series<A extends Num<A>>(inputs: readonly A[], setting: Setting, faults: Faults = {}): A {
  const affine = [at(inputs, 2), at(inputs, 3)] as const;
  const first = step(at(inputs, 0), affine, runningOf(affine[0]), setting, faults);
  const second = step(at(inputs, 1), affine, first.running, setting, faults);
  const { mean, std } = second.running;
  const flat = (array: A): A => array.reshape([-1]);
  return flat(first.output).concat([flat(second.output), mean, std], 0);
}

const seriesDomain: Domain = {
  dims: { N: [1, 3], C: [1, 4], L: [1, 6] },
  params: { eps: [1e-5, 1], rMax: [3, 1.25], dMax: [5, 0.25] },
  where: ({ N, C, L }) => N * C * L <= 16 && N * L > 1,
  shapes: (setting) => ({ x1: shapeOf(setting), x2: shapeOf(setting), ...perChannel(setting) }),
};

const inSeries = (name: string, faults: Faults): Mutant => ({
  name,
  group: "BatchRenorm",
  planted: "output",
  norms: ["batchRenorm"],
  make: () => renormSeries(faults),
});

/** Under differences r, d and running statistics move: the other designs see the outputs alone, with r = 1 and d = 0. */
export function renormSeries(faults: Faults): Specimen {
  const under = { domain: seriesDomain, forward: series, usual: { eps: 1e-5, rMax: 1, dMax: 0 } };
  const run = (inputs: readonly Tensor[], setting: Setting): Tensor => series(inputs, setting, faults);
  const outputs = (inputs: readonly Tensor[], setting: Setting): Tensor =>
    run(inputs, setting).slice(0, 0, 2 * setting.N * setting.C * setting.L);
  return asOp("batchRenorm", run, under, outputs);
}

const attachedTo = (attached: Attached) => (): Specimen =>
  asOp("batchRenorm", (inputs: readonly Tensor[], setting) => {
    const [x, weight, bias] = [at(inputs, 0), at(inputs, 1), at(inputs, 2)];
    return step(x, [weight, bias], runningOf(weight), setting, { attached }).output;
  });

export const renormMutants: readonly Mutant[] = [
  {
    name: "gradient through r",
    group: "BatchRenorm",
    planted: "variance path",
    norms: ["batchRenorm"],
    make: attachedTo("scale"),
  },
  {
    name: "gradient through d",
    group: "BatchRenorm",
    planted: "mean path",
    norms: ["batchRenorm"],
    make: attachedTo("shift"),
  },
  renorm.backward("r missing in gradInput", "rstd", {
    steps: { gradRenormInput: (right, { r }) => right.div(r) },
  }),
  renorm.backward("gradWeight of x̂ without r and d", "parameter gradient", {
    steps: { gradRenormWeight: (_, { viaXhat }) => viaXhat },
  }),
  renorm.backward("gradWeight without d", "parameter gradient", {
    steps: { gradRenormWeight: (_, { viaXhat, r }) => viaXhat.mul(r) },
  }),
  renorm.forward("r clipped in the wrong direction", {
    steps: {
      renormScale: (_, { std, runningStd }, { rMax = 3 }) => {
        const ratio = std.div(runningStd);
        return ratio.sub(ratio.clamp(1 / rMax, rMax)).add(rMax);
      },
    },
  }),
  renorm.forward("r not clipped", { steps: { renormScale: (_, { std, runningStd }) => std.div(runningStd) } }),
  renorm.forward("r upside down", {
    steps: { renormScale: (_, { std, runningStd }, { rMax = 3 }) => runningStd.div(std).clamp(1 / rMax, rMax) },
  }),
  renorm.forward("d clipped at one side only", {
    steps: { renormShift: (_, { apart, runningStd }, { dMax = 5 }) => apart.div(runningStd).clamp(-1e300, dMax) },
  }),
  renorm.forward("d divided by the batch's standard deviation", {
    steps: { renormShift: (_, { apart, std }, { dMax = 5 }) => apart.div(std).clamp(-dMax, dMax) },
  }),
  inSeries("r and d from running statistics after the update", { late: true }),
  inSeries("the variance in the running standard deviation", { tracked: (std) => std.square() }),
  inSeries("the running standard deviation without eps", {
    tracked: (std, { eps }) => std.square().sub(eps).relu().sqrt(),
  }),
  inSeries("momentum of the old value", { momentum: (value) => 1 - value }),
];
