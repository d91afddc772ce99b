/**
 * The norms that mutants are planted in: the right formula, the same derived once more with parts that can be replaced,
 * and one domain for all mutants of a norm. It has to reach what mutants hide behind: sets of more than eight cells, more
 * than four sets, sizes that are no powers of two, a weight of one value, a tiny variance with eps 0.
 */
import type { Shape } from "../../src/autograd/index.ts";
import { batchNormForward, groupNormForward, instanceNormForward, layerNormForward } from "../../src/norms/index.ts";
import { mutantTrace, rightParts } from "../helpers/mutantNorm.ts";
import type { Parts } from "../helpers/mutantNorm.ts";
import { batchNormSets, groupNormSets, instanceNormSets, layerNormSets } from "../helpers/normOracles.ts";
import type { CellSet } from "../helpers/normOracles.ts";
import { channelNorms } from "./channelNorms.ts";
import { at, domain, EPS, FEWER_CELLS, perChannel, shapeOf } from "./domain.ts";
import type { Norm } from "./domain.ts";
import { lengthNorms } from "./lengthNorms.ts";
import type { NormName, Setting } from "./mutant.ts";
import { otherNorms } from "./otherNorms.ts";
import { styleNorms } from "./styleNorms.ts";
import { switchableForward, switchableTrace } from "./switchableNorm.ts";

/** The last one or two dims. */
function normalizedShape({ C, L, normalizedDims = 1 }: Setting): Shape {
  return normalizedDims === 1 ? [L] : [C, L];
}

/** A norm whose sets share a mean and a variance: the mutable one is derived from its sets. */
interface RowNorm extends Omit<Norm, "trace"> {
  readonly sets: (setting: Setting) => CellSet[];
  readonly parts: Parts;
}

function rowNorm({ sets, parts, ...norm }: RowNorm): Norm {
  return {
    ...norm,
    trace: (inputs, setting, change) => {
      const parameters = [at(inputs, 1), inputs[2] ?? null] as const;
      const { output, pullback } = mutantTrace(
        [at(inputs, 0), ...parameters],
        sets(setting),
        setting.eps,
        change,
        parts,
      );
      return { output, pullback: (gradOutput) => pullback(gradOutput).slice(0, inputs.length) };
    },
  };
}

/** x is not centred, so that nothing flows through a mean. */
const rmsParts: Parts = {
  ...rightParts,
  centered: ({ x }) => x,
  viaMean: ({ gradXhat }) => gradXhat.mul(0),
};

export const norms: Readonly<Record<NormName, Norm>> = {
  batchNorm: rowNorm({
    domain: domain({ eps: EPS }, perChannel, ({ N, L }) => N * L > 1),
    usual: { eps: 1e-5 },
    sets: (setting) => batchNormSets(shapeOf(setting)),
    forward: (inputs, { eps }) => batchNormForward(at(inputs, 0), at(inputs, 1), at(inputs, 2), { eps }).output,
    parts: rightParts,
  }),
  layerNorm: rowNorm({
    domain: domain({ eps: EPS, normalizedDims: [1, 2] }, (setting) => {
      const shape = normalizedShape(setting);
      return { weight: shape, bias: shape };
    }),
    usual: { eps: 1e-5, normalizedDims: 2 },
    sets: (setting) => layerNormSets(shapeOf(setting), normalizedShape(setting)),
    forward: (inputs, setting) => {
      const options = { normalizedShape: normalizedShape(setting), eps: setting.eps };
      return layerNormForward(at(inputs, 0), at(inputs, 1), at(inputs, 2), options).output;
    },
    parts: rightParts,
  }),
  instanceNorm: rowNorm({
    domain: domain({ eps: EPS }, perChannel, ({ L }) => L > 1),
    usual: { eps: 1e-5 },
    sets: (setting) => instanceNormSets(shapeOf(setting)),
    forward: (inputs, { eps }) => instanceNormForward(at(inputs, 0), at(inputs, 1), at(inputs, 2), { eps }).output,
    parts: rightParts,
  }),
  groupNorm: rowNorm({
    domain: domain(
      { eps: EPS, numGroups: [1, 2, 3, 6] },
      perChannel,
      ({ C, L, numGroups = 1 }) => C % numGroups === 0 && (C / numGroups) * L > 1,
    ),
    usual: { eps: 1e-5, numGroups: 2 },
    sets: (setting) => groupNormSets(shapeOf(setting), setting.numGroups ?? 1),
    forward: (inputs, { eps, numGroups = 1 }) =>
      groupNormForward(at(inputs, 0), at(inputs, 1), at(inputs, 2), { numGroups, eps }).output,
    parts: rightParts,
  }),
  rmsNorm: rowNorm({
    domain: domain({ eps: EPS, normalizedDims: [1, 2] }, (setting) => ({ weight: normalizedShape(setting) })),
    usual: { eps: 1e-5, normalizedDims: 2 },
    sets: (setting) => layerNormSets(shapeOf(setting), normalizedShape(setting)),
    forward: (inputs, setting) => {
      const x = at(inputs, 0);
      const dims = normalizedShape(setting).map((_, i) => -1 - i);
      const rstd = x.square().mean(dims, true).add(setting.eps).rsqrtOrZero();
      return x.mul(rstd).mul(at(inputs, 1));
    },
    parts: rmsParts,
  }),
  switchableNorm: {
    domain: domain(
      { eps: EPS, unbiased: [false, true] },
      (setting) => ({ ...perChannel(setting), meanWeight: [3], varWeight: [3] }),
      ({ N, C, L, unbiased = false }) => N * C * L <= FEWER_CELLS && (!unbiased || L > 1),
    ),
    usual: { eps: 1e-5, unbiased: true },
    forward: (inputs, setting) => switchableForward(inputs, setting).output,
    trace: (inputs, setting, { parts = {}, switchable = {} }) => switchableTrace(inputs, setting, parts, switchable),
  },
  ...styleNorms,
  ...channelNorms,
  ...lengthNorms,
  ...otherNorms,
};
