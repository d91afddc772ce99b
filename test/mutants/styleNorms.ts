/** Norms whose scale and shift are a style's or a condition's: each is mutantTrace with something before and after it. */
import type { Num, Traced } from "../../src/autograd/index.ts";
import {
  adaptiveInstanceNormForward,
  adaptiveLayerNormForward,
  conditionalInstanceNormForward,
} from "../../src/norms/index.ts";
import { mutantTrace } from "../helpers/mutantNorm.ts";
import type { PartsOf } from "../helpers/mutantNorm.ts";
import { instanceNormSets, layerNormSets } from "../helpers/normOracles.ts";
import type { CellSet } from "../helpers/normOracles.ts";
import { at, domain, EPS, present, shapeOf, varianceParts } from "./domain.ts";
import type { Change, Norm } from "./domain.ts";
import type { Setting } from "./mutant.ts";
import { turn } from "./steps.ts";

export const STYLES = 3;

/** The style has positions of its own. */
const styleShape = ({ N, C, L }: Setting): number[] => [N, C, L === 3 ? 4 : 3];
const divisor = (n: number, unbiased = false): number => n - (unbiased ? 1 : 0);

/** Two samples share a style, and one is not used. */
export const labelsOf = ({ N }: Setting): number[] => Array.from({ length: N }, (_, i) => (i % 3 === 2 ? 0 : 2));

/** Sets whose parameters are numbered with the sets, or with the cells of each sample's last dim. */
const bySet = (sets: readonly CellSet[]): CellSet[] =>
  sets.map((set, s) => ({ ...set, parameters: set.cells.map(() => s) }));
const bySample = (sets: readonly CellSet[], { C, L }: Setting): CellSet[] =>
  sets.map((set, s) => ({ ...set, parameters: set.cells.map((_, i) => Math.floor(s / C) * L + i) }));

/** The cells of the table's rows that the labels name. */
export const rowCells = (setting: Setting): Int32Array =>
  Int32Array.from(
    labelsOf(setting).flatMap((label) => Array.from({ length: setting.C }, (_, c) => label * setting.C + c)),
  );

function adaptiveInstanceTrace<A extends Num<A>>(inputs: readonly A[], setting: Setting, change: Change): Traced<A> {
  const [content, style] = [at(inputs, 0), at(inputs, 1)];
  const { eps, unbiased = false, alpha = 1 } = setting;
  const { steps = {} } = change;
  const positions = style.shape[2] ?? 0;
  const centered = style.center([2]);
  const variance = centered.square().sum([2], true).div(divisor(positions, unbiased));
  const rstd = variance.add(eps).rsqrtOrZero();
  const std = turn(steps.styleStd, variance.add(eps).mul(rstd), { variance }, setting);
  const affine = [std.mul(alpha), style.mean([2], true).mul(alpha)] as const;
  const sets = bySet(instanceNormSets(shapeOf(setting)));
  const right = varianceParts<A>(unbiased);
  const parts: PartsOf<A> = {
    ...right,
    gradInput: (c) => right.gradInput(c).add(turn(steps.pastNorm, c.g.mul(1 - alpha), { g: c.g }, setting)),
  };
  const core = mutantTrace([content, ...affine], sets, eps, change, parts);
  return {
    output: core.output.add(content.mul(1 - alpha)),
    pullback: (g) => {
      const [gradContent, gradStd, gradMean] = core.pullback(g);
      const viaStd = centered.mul(rstd).mul(present(gradStd).mul(alpha).div(divisor(positions, unbiased)));
      const viaMean = present(gradMean).mul(alpha).div(positions).expand(style.shape);
      const gradStyle = turn(steps.viaStyleStd, viaStd, { centered, variance }, setting).add(
        turn(steps.viaStyleMean, viaMean, {}, setting),
      );
      return [gradContent, turn(steps.gradStyle, gradStyle, {}, setting)];
    },
  };
}

function conditionalTrace<A extends Num<A>>(inputs: readonly A[], setting: Setting, change: Change): Traced<A> {
  const [x, weight, bias] = [at(inputs, 0), at(inputs, 1), at(inputs, 2)];
  const { N, C, eps } = setting;
  const { steps = {} } = change;
  const given = inputs[3] ?? null;
  const blend = given && turn(steps.blend, given, {}, setting);
  const rowsOf = (table: A): A =>
    blend === null ? table.take(rowCells(setting)).reshape([N, C]) : blend.matmul(table);
  const sets = bySet(instanceNormSets(shapeOf(setting)));
  const core = mutantTrace([x, rowsOf(weight), rowsOf(bias)], sets, eps, change);
  const gradTable = (rows: A): A => {
    const right =
      given === null
        ? rows
            .reshape([N * C])
            .putAdd(rowCells(setting), STYLES * C)
            .reshape([STYLES, C])
        : given.transpose(0, 1).matmul(rows);
    return turn(steps.gradTable, right, { rows, blend: given ?? rows }, setting);
  };
  return {
    output: core.output,
    pullback: (g) => {
      const [gradInput, gradScale, gradShift] = core.pullback(g);
      const gradients = [gradInput, gradTable(present(gradScale)), gradTable(present(gradShift))];
      if (given === null) return gradients;
      const viaWeight = present(gradScale).matmul(weight.transpose(0, 1));
      const viaBias = present(gradShift).matmul(bias.transpose(0, 1));
      return [...gradients, turn(steps.gradBlend, viaWeight.add(viaBias), { viaWeight, viaBias }, setting)];
    },
  };
}

function adaptiveLayerTrace<A extends Num<A>>(inputs: readonly A[], setting: Setting, change: Change): Traced<A> {
  const [x, scale, shift] = [at(inputs, 0), at(inputs, 1), at(inputs, 2)];
  const { steps = {} } = change;
  const factor = turn(steps.modulation, scale.add(1), { scale }, setting);
  const sets = bySample(layerNormSets(shapeOf(setting), [setting.L]), setting);
  const core = mutantTrace([x, factor, shift], sets, setting.eps, change);
  return {
    output: core.output,
    pullback: (g) => {
      const [gradInput, gradFactor, sums] = core.pullback(g);
      const [right, gradShift] = [present(gradFactor), present(sums)];
      const rstd = x.center([2]).square().mean([2], true).add(setting.eps).rsqrtOrZero();
      const products = g.mul(x.center([2]).mul(rstd));
      return [
        gradInput,
        turn(steps.gradScale, right, { products, gradShift, factor }, setting),
        turn(steps.gradShift, gradShift, { g, gradScale: right }, setting),
      ];
    },
  };
}

type Styled = "adaptiveInstanceNorm" | "conditionalInstanceNorm" | "adaptiveLayerNorm";

export const styleNorms: Readonly<Record<Styled, Norm>> = {
  adaptiveInstanceNorm: {
    domain: domain(
      { eps: EPS, unbiased: [true, false], alpha: [1, 0.75] },
      (setting) => ({ style: styleShape(setting) }),
      ({ L }) => L > 1,
    ),
    usual: { eps: 1e-5, unbiased: true, alpha: 0.75 },
    forward: (inputs, { eps, unbiased = false, alpha = 1 }) =>
      adaptiveInstanceNormForward(at(inputs, 0), at(inputs, 1), { eps, unbiased, alpha }).output,
    trace: adaptiveInstanceTrace,
  },
  conditionalInstanceNorm: {
    domain: domain(
      { eps: EPS, blend: [false, true] },
      ({ N, C, blend = false }) => ({ weight: [STYLES, C], bias: [STYLES, C], ...(blend && { blend: [N, STYLES] }) }),
      ({ L }) => L > 1,
    ),
    usual: { eps: 1e-5, blend: true },
    forward: (inputs, setting) => {
      const [x, weight, bias, blend = null] = [at(inputs, 0), at(inputs, 1), at(inputs, 2), inputs[3]];
      const options = { eps: setting.eps, labels: blend === null ? labelsOf(setting) : null };
      return conditionalInstanceNormForward({ x, weight, bias, blend }, options).output;
    },
    trace: conditionalTrace,
  },
  adaptiveLayerNorm: {
    domain: domain({ eps: EPS }, ({ N, L }) => ({ scale: [N, L], shift: [N, L] })),
    usual: { eps: 1e-5 },
    forward: (inputs, { eps }) => adaptiveLayerNormForward(at(inputs, 0), at(inputs, 1), at(inputs, 2), { eps }).output,
    trace: adaptiveLayerTrace,
  },
};
