/** Bugs of public trackers, each as it was where it was found, in as far as its thread tells. */
import type { Num, Tensor } from "../../src/autograd/index.ts";
import { apply } from "../../src/autograd/index.ts";
import { runningNormBackward, runningNormForward } from "../../src/norms/index.ts";
import { average } from "../helpers/mutantNorm.ts";
import type { Backward } from "../helpers/mutantNorm.ts";
import { forwardMutants } from "../helpers/normMutants.ts";
import { layerNormSets } from "../helpers/normOracles.ts";
import type { CellSet } from "../helpers/normOracles.ts";
import type { Fault } from "../../src/gradcheck/fault.ts";
import { known } from "./formulaMutants.ts";
import type { Domain, Mutant, NormName, Setting, Specimen } from "./mutant.ts";
import { at, shapeOf } from "./domain.ts";
import { norms } from "./norms.ts";
import { asOp, atSecondOrder, inBackward, inForward } from "./specimen.ts";
import { aliased } from "./switchableMutants.ts";
import { without } from "./traits.ts";

function bug(source: string, name: string, planted: Fault, norms: readonly NormName[], make: Mutant["make"]): Mutant {
  return { name: `${source}: ${name}`, group: "real bugs", planted, source, norms, make };
}

/** L as H·W with H = 2, where L is even. */
const width = (positions: number): number => (positions % 2 === 0 ? positions / 2 : positions);

/** Channel c in group c % G, not in the group of its C/G neighbours. */
function byRemainder(sets: readonly CellSet[], { N, C, L, numGroups = 1 }: Setting): readonly CellSet[] {
  return sets.map((set, s) => {
    const [sample, group] = [Math.floor(s / numGroups), s % numGroups];
    const channels = Array.from({ length: C }, (_, c) => c).filter((c) => c % numGroups === group);
    const cells = channels.flatMap((c) => Array.from({ length: L }, (_, i) => ((sample % N) * C + c) * L + i));
    return { ...set, cells, parameters: cells.map((cell) => Math.floor(cell / L) % C) };
  });
}

/** Sums over whole blocks of a power of two of channels: those of a group run on into the next group of the sample. */
function runOn<A extends Num<A>>(rows: A, { shape }: Backward<A>): A {
  const [samples = 1, channels = 0, positions = 0] = shape;
  const [sets = 0, n = 0] = rows.shape;
  const groups = sets / samples;
  const perGroup = channels / groups;
  const extra = (2 ** Math.ceil(Math.log2(perGroup)) - perGroup) * positions;
  const index = Array.from({ length: sets * extra }, (_, i) => {
    const set = Math.floor(i / extra);
    return set % groups === groups - 1 ? -1 : (set + 1) * n + (i % extra);
  });
  const own = rows.sum([1], true);
  return extra === 0 ? own : own.add(rows.take(Int32Array.from(index)).reshape([sets, extra]).sum([1], true));
}

/** Evaluation by constants whose backward is that of training. */
function evaluatedAsTrained(): Specimen {
  const { domain, usual } = norms.batchNorm;
  const statistics = <A extends Num<A>>(weight: A): readonly [A, A] => [
    weight.constant((values) => Float64Array.from(values, (_, c) => c / 2 - 0.75)),
    weight.constant((values) => Float64Array.from(values, (_, c) => c / 4 + 0.625)),
  ];
  const run = <A extends Num<A>>(x: A, weight: A, bias: A, eps: number): ReturnType<typeof runningNormForward<A>> =>
    runningNormForward(x, ...statistics(weight), weight, bias, { eps });
  const op = ([x, weight, bias]: readonly Tensor[], { eps }: Setting): Tensor => {
    if (!x || !weight || !bias) throw new RangeError("expected x, weight and bias");
    const rule = <A extends Num<A>>(a: A, w: A, b: A): { output: A; pullback: (g: A) => readonly [A, A, A] } => {
      const { output, saved } = run(a, w, b, eps);
      const pullback = (g: A): readonly [A, A, A] => {
        const [gradInput, gradWeight, gradBias] = runningNormBackward(g, saved);
        const { xhat } = saved;
        const viaVariance = xhat.mul(gradInput.mul(xhat).mean([0, 2], true));
        return [gradInput.center([0, 2]).sub(viaVariance), gradWeight ?? w, gradBias ?? b];
      };
      return { output, pullback };
    };
    return apply("evaluation", { rule }, x, weight, bias);
  };
  const forward = <A extends Num<A>>(inputs: readonly A[], { eps }: Setting): A =>
    run(at(inputs, 0), at(inputs, 1), at(inputs, 2), eps).output;
  return asOp("batchNorm", op, { domain, forward, usual });
}

/** No bias, but a placeholder of one value for it, whose gradient gets the weight's shape. */
function placeholder(): Specimen {
  const { usual } = norms.layerNorm;
  const domain: Domain = {
    ...norms.layerNorm.domain,
    shapes: (setting) => ({ ...norms.layerNorm.domain.shapes(setting), bias: [] }),
  };
  const forward = <A extends Num<A>>(inputs: readonly A[], setting: Setting): A => {
    const weight = at(inputs, 1);
    return norms.layerNorm.forward([at(inputs, 0), weight, weight.mul(0)], setting);
  };
  const op = ([x, weight, bias]: readonly Tensor[], setting: Setting): Tensor => {
    if (!x || !weight || !bias) throw new RangeError("expected x, weight and a placeholder");
    const rule = <A extends Num<A>>(a: A, w: A, b: A): { output: A; pullback: (g: A) => readonly [A, A, A] } => {
      const none = w.mul(0).add(b.mul(0));
      const { output, pullback } = norms.layerNorm.trace([a, w, none], setting, {});
      return {
        output,
        pullback: (g) => {
          const [gradInput, gradWeight] = pullback(g);
          return [gradInput ?? a, gradWeight ?? w, w.mul(0)];
        },
      };
    };
    return apply("layerNorm", { rule }, x, weight, bias);
  };
  return asOp("layerNorm", op, { domain, forward, usual });
}

export const realBugs: readonly Mutant[] = [
  bug("tfjs-core #970", "gradOutput unused", "gradOutput", ["batchNorm"], inBackward(known("gradOutput ignored"))),
  bug(
    "tfjs-core #970",
    "summed before it is multiplied",
    "parameter gradient",
    ["batchNorm"],
    inBackward({ parts: { gradWeight: ({ g, xhat, n }) => average(g).mul(average(xhat)).mul(n).expand(g.shape) } }),
  ),
  bug(
    "CrypTen #143",
    "statistics treated as constants",
    "statistics as constants",
    ["batchNorm"],
    inBackward(known("statistics taken for constants")),
  ),
  bug(
    "mlpack #1923",
    "the mean term is a sum",
    "count",
    ["batchNorm", "layerNorm"],
    inBackward({ parts: { viaMean: ({ viaMean, n }) => viaMean.mul(n) } }),
  ),
  bug("Knet #288", "weight missing", "parameter", ["batchNorm"], inBackward(known("weight missing in gradInput"))),
  bug(
    "Megatron-LM #6859",
    "weight twice in the variance term",
    "parameter",
    ["rmsNorm"],
    inBackward(known("weight twice in the variance term")),
  ),
  bug(
    "FlagGems #5222",
    "rsqrt of a saved rstd",
    "rstd",
    ["layerNorm", "groupNorm"],
    inBackward(known("rsqrt of a saved rstd")),
  ),
  bug(
    "FlagGems #5392",
    "a backward that takes x for [N, everything else]",
    "axes",
    ["layerNorm"],
    inBackward((setting) => ({ backwardSets: () => wholeSamples(setting) })),
  ),
  bug(
    "Liger-Kernel #1376",
    "n with W for H·W",
    "count",
    ["groupNorm"],
    inBackward((setting) => {
      const scale = setting.L / width(setting.L);
      return {
        parts: {
          viaMean: ({ viaMean }) => viaMean.mul(scale),
          viaVariance: ({ viaVariance }) => viaVariance.mul(scale),
        },
      };
    }),
  ),
  bug(
    "tt-metal #56202",
    "channel c in group c % G",
    "axes",
    ["groupNorm"],
    inBackward((setting) => ({ backwardSets: (sets) => byRemainder(sets, setting) })),
  ),
  bug(
    "FlagGems #4985",
    "the sums of a group run on into the next",
    "axes",
    ["groupNorm"],
    inBackward({
      parts: {
        viaMean: (c) => runOn(c.gradXhat, c).div(c.n),
        viaVariance: (c) => c.xhat.mul(runOn(c.gradXhat.mul(c.xhat), c).div(c.n)),
      },
    }),
  ),
  bug("pytorch/xla #913", "evaluation with the backward of training", "mean path", ["batchNorm"], evaluatedAsTrained),
  bug(
    "pytorch #186256",
    "saved statistics are constants at second order",
    "statistics as constants",
    without("switchableNorm"),
    atSecondOrder(known("saved statistics detached")),
  ),
  bug("MLX #3220", "the absent bias gets a gradient of the weight's shape", "axes", ["layerNorm"], placeholder),
  bug("candle #3011", "a fused op cuts the graph", "gradOutput", ["layerNorm"], (norm) =>
    asOp(norm, (inputs, setting) => norms[norm].forward(inputs, setting).detach()),
  ),
  bug(
    "jax #442",
    "(variance + eps)²",
    "output",
    ["batchNorm"],
    inForward(forwardMutants["(variance + eps)²"]?.mutation ?? {}),
  ),
  bug(
    "Switchable-Normalization syncsn_layer.py",
    "a biased backward under an unbiased forward",
    "count",
    ["switchableNorm"],
    inBackward({ switchable: { backwardCount: (_, positions) => positions } }),
  ),
  bug(
    "Switchable-Normalization syncsn_layer.py",
    "logits overwritten while they are read",
    "parameter gradient",
    ["switchableNorm"],
    inBackward({ switchable: { gradLogits: aliased } }),
  ),
  {
    ...bug(
      "mxnet #1053",
      "a term with Σ(x − μ)",
      "variance path",
      ["batchNorm"],
      inBackward({
        parts: {
          viaMean: ({ viaMean, gradXhat, xhat, centered, rstd }) =>
            viaMean.add(average(gradXhat.mul(xhat)).mul(average(centered)).mul(rstd)),
        },
      }),
    ),
    equivalent: {
      norms: ["batchNorm"],
      proof: "Σ(x − μ) = Σx − nμ = 0: the path from x to σ² through μ carries nothing",
    },
  },
];

/** Rows of all that follows the first dim; the parameters of a row repeat. */
function wholeSamples(setting: Setting): CellSet[] {
  const { C, L, normalizedDims = 1 } = setting;
  const count = normalizedDims === 1 ? L : C * L;
  return layerNormSets(shapeOf(setting), [C, L]).map((set) => ({
    ...set,
    parameters: set.parameters.map((i) => i % count),
  }));
}
