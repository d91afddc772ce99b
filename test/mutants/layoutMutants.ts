/** Backwards that read the wrong cells or not all of them, and formulas that round badly. */
import type { Num } from "../../src/autograd/index.ts";
import { average } from "../helpers/mutantNorm.ts";
import type { Forward, Mutation, Parts } from "../helpers/mutantNorm.ts";
import { forwardMutants } from "../helpers/normMutants.ts";
import type { CellSet } from "../helpers/normOracles.ts";
import { known, toFloat32 } from "./formulaMutants.ts";
import { NORMS } from "./mutant.ts";
import type { Mutant, NormName } from "./mutant.ts";
import { inBackward, inForward } from "./specimen.ts";
import { AFFINE, allBut, CENTRED, FIRST, SETS, without } from "./traits.ts";

/** SwitchableNorm is not derived from sets. */
const bySets: readonly NormName[] = [...without("switchableNorm"), ...SETS];
const byChannel: readonly NormName[] = ["batchNorm", "instanceNorm", "groupNorm", "batchRenorm", "filterResponseNorm"];
/** A norm whose parameters are more than one number. */
const byParameters = bySets.filter(
  (norm) => !["weightStandardization", "normalize", "scaleNorm"].some((name) => name === norm),
);

const axes = (name: string, norms: readonly NormName[] = bySets): Mutant => ({
  name,
  group: "axes and groups",
  planted: "axes",
  norms,
  make: inBackward(known(name)),
});

const cut = (name: string, norms: readonly NormName[] = NORMS): Mutant => ({
  name,
  group: "axes and groups",
  planted: "indices",
  norms,
  make: inBackward(known(name)),
});

function knownForward(name: string): Mutation {
  const mutant = forwardMutants[name];
  if (mutant === undefined) throw new RangeError(`knownForward: expected the name of a mutant, got "${name}"`);
  return mutant.mutation;
}

/** All cells in one set. */
export function oneSet(sets: readonly CellSet[]): readonly CellSet[] {
  const [first] = sets;
  if (first === undefined) return sets;
  const all = { cells: sets.flatMap(({ cells }) => cells), parameters: sets.flatMap((set) => set.parameters) };
  return [{ ...first, ...all }];
}

/** The parameter of a cell found by its place in memory, as if parameters lay along the last axis. */
function alongTheLastAxis(sets: readonly CellSet[]): readonly CellSet[] {
  const count = 1 + Math.max(...sets.flatMap(({ parameters }) => parameters));
  return sets.map((set) => ({ ...set, parameters: set.cells.map((cell) => cell % count) }));
}

/** E[x²] − E[x]², which cancels. */
const onePass = <A extends Num<A>>({ x }: Forward<A>): A => average(x.square()).sub(average(x).square()).relu();

const layout: readonly Mutant[] = [
  axes("sets of the backward off by one"),
  axes("sets of the backward interleaved, c % G"),
  axes("parameters of the next cell in the backward", byParameters),
  {
    name: "statistics of the backward over the whole array",
    group: "axes and groups",
    planted: "axes",
    norms: bySets,
    make: inBackward({ backwardSets: oneSet }),
  },
  {
    name: "weight along the last axis instead of the channels'",
    group: "axes and groups",
    planted: "axes",
    norms: byChannel,
    make: inBackward({ backwardSets: alongTheLastAxis }),
  },
  {
    name: "a weight of one value taken for none",
    group: "axes and groups",
    planted: "parameter",
    norms: [...FIRST, "batchRenorm", "filterResponseNorm", "weightNorm", "dynamicTanh"],
    equivalent: {
      norms: ["layerNorm"],
      proof: "one weight means sets of one value: x̂ = 0 and ∂L/∂x = 0 whatever ĝ is",
    },
    make: inBackward({ parts: { gradXhat: ({ g, gradXhat, weights }) => (weights === 1 ? g : gradXhat) } }),
  },
  cut("last cell skipped"),
  cut("only the first four sets", allBut("localResponseNorm", "spectralNorm")), // they have no sets
  cut("only the first eight cells of a set"),
];

const inGradInput = (part: Parts["gradInput"]): Mutant["make"] => inBackward({ parts: { gradInput: part } });

const numerics: readonly Mutant[] = [
  {
    name: "one-pass variance in the forward",
    group: "numerics",
    planted: "precision",
    norms: [...without("rmsNorm", "switchableNorm"), ...AFFINE],
    make: inForward(knownForward("one-pass variance")),
  },
  {
    name: "one-pass variance recomputed in the backward",
    group: "numerics",
    planted: "precision",
    norms: [...without("rmsNorm", "switchableNorm"), ...AFFINE],
    make: inBackward({ parts: { savedRstd: (c) => onePass(c).add(c.eps).rsqrtOrZero() } }),
  },
  {
    name: "RMSNorm that centres",
    group: "numerics",
    planted: "output",
    norms: ["rmsNorm"],
    make: inForward({ parts: { centered: ({ x }) => x.center([1]) } }),
  },
  {
    name: "RMSNorm with LayerNorm's mean term",
    group: "numerics",
    planted: "mean path",
    norms: ["rmsNorm"],
    make: inBackward({ parts: { viaMean: ({ gradXhat }) => average(gradXhat) } }),
  },
  {
    name: "gradInput off by 1e-4",
    group: "numerics",
    planted: "factor",
    norms: NORMS,
    make: inBackward(known("gradInput off by 1e-4")),
  },
  {
    name: "gradInput off by 1e-7",
    group: "numerics",
    planted: "factor",
    norms: NORMS,
    make: inBackward(known("gradInput off by 1e-7")),
  },
  {
    name: "gradInput rounded to float32",
    group: "numerics",
    planted: "precision",
    norms: NORMS,
    make: inGradInput(({ gradInput }) => toFloat32(gradInput)),
  },
];

const centring: readonly NormName[] = [...without("rmsNorm", "switchableNorm"), ...CENTRED];
const withBias = centring.filter((norm) => norm !== "weightStandardization");

/** Forwards that are wrong together with their backward: no derivative of them shows it. */
const forwards: readonly Mutant[] = (
  [
    ["unbiased variance", "counts", [...centring, "filterResponseNorm"]],
    ["eps outside of the root", "rstd", [...centring, "filterResponseNorm"]],
    ["eps missing", "rstd", [...centring, "filterResponseNorm"]],
    ["not centred, as RMSNorm", "terms", centring],
    ["bias scaled by the weight", "parameters", [...withBias, "filterResponseNorm"]],
    ["sets interleaved, c % G", "axes and groups", [...centring, "filterResponseNorm"]],
  ] as const
).map(([name, group, norms]) => ({
  name: `forward: ${name}`,
  group,
  planted: "output",
  norms,
  make: inForward(knownForward(name)),
}));

export const layoutMutants: readonly Mutant[] = [...layout, ...numerics, ...forwards];
