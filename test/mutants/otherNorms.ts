/** Norms without sets: windows that overlap, one number for the whole weight, no statistics at all. */
import type { Num, Traced } from "../../src/autograd/index.ts";
import { sizeOf } from "../../src/autograd/index.ts";
import { dynamicTanhForward, localResponseNormForward, spectralNormForward } from "../../src/norms/index.ts";
import { mutantTrace, rightParts } from "../helpers/mutantNorm.ts";
import type { PartsOf } from "../helpers/mutantNorm.ts";
import { layerNormSets } from "../helpers/normOracles.ts";
import { at, domain, shapeOf } from "./domain.ts";
import type { Change, Norm } from "./domain.ts";
import { setsAlong } from "./lengthNorms.ts";
import type { Setting } from "./mutant.ts";
import { turn } from "./steps.ts";

/** Σ over the channels from `below` before each to `above` after it, by the matrix of who is in whose window. */
export function sumOfWindow<A extends Num<A>>(array: A, below: number, above: number, wraps = false): A {
  const [, channels = 0] = array.shape;
  const apart = (c: number, j: number): boolean => j - c >= -below && j - c <= above;
  const isIn = (c: number, j: number): boolean =>
    apart(c, j) || (wraps && (apart(c, j - channels) || apart(c, j + channels)));
  const members = Float64Array.from({ length: channels ** 2 }, (_, i) =>
    isIn(Math.floor(i / channels), i % channels) ? 1 : 0,
  );
  return array.constant(() => members, [channels, channels]).matmul(array);
}

export interface Window {
  readonly below: number;
  readonly above: number;
}
export const windowOf = ({ size = 1 }: Setting): Window => ({
  below: Math.floor(size / 2),
  above: Math.floor((size - 1) / 2),
});

const lrnOptions = ({
  size = 1,
  alpha = 1,
  beta = 1,
  eps,
}: Setting): Parameters<typeof localResponseNormForward>[1] => ({
  size,
  alpha,
  beta,
  k: eps,
});

function localResponseTrace<A extends Num<A>>(inputs: readonly A[], setting: Setting, change: Change): Traced<A> {
  const x = at(inputs, 0);
  const { size, alpha, beta, k } = lrnOptions(setting);
  const { steps = {} } = change;
  const { below, above } = windowOf(setting);
  const squares = x.square();
  const windows = turn(steps.windows, sumOfWindow(squares, below, above), { squares }, setting);
  const divisor = turn(steps.divisor, windows.mul(alpha).div(size).add(k), { windows }, setting);
  const [shape, row] = [x.shape, [1, sizeOf(x.shape)]];
  const parts: PartsOf<A> = {
    ...rightParts,
    centered: (c) => c.x,
    variance: () => divisor.reshape(row),
    rstd: () => divisor.pow(-beta).reshape(row),
    viaMean: ({ gradXhat }) => gradXhat.mul(0),
    viaVariance: ({ gradXhat, xhat, x: cells }) => {
      const gradDivisor = gradXhat.mul(xhat).reshape(shape).div(divisor);
      const mirrored = sumOfWindow(gradDivisor, above, below);
      const gathered = turn(steps.gathered, mirrored, { gradDivisor, divisor }, setting);
      return cells.mul(gathered.reshape(row)).mul((2 * alpha * beta) / size);
    },
    gradInput: ({ gradXhat, viaMean, viaVariance, rstd }) => gradXhat.mul(rstd).sub(viaMean).sub(viaVariance),
  };
  const core = mutantTrace([x, null, null], setsAlong(setting, null), setting.eps, change, parts);
  return { output: core.output, pullback: (g) => core.pullback(g).slice(0, 1) };
}

/** The sizes of the weight as a matrix. */
export function matrixShape({ N, C, L, dim }: Setting): readonly [rows: number, columns: number] {
  const rows = [N, C, L][dim ?? 0] ?? 1;
  return [rows, (N * C * L) / rows];
}

/** From a matrix whose first dim is `dim` of x to the shape of x. */
export function asWeight<A extends Num<A>>(matrix: A, { N, C, L, dim }: Setting): A {
  const order = [dim ?? 0, ...[0, 1, 2].filter((i) => i !== (dim ?? 0))];
  return matrix.reshape(order.map((i) => [N, C, L][i] ?? 1)).permute(order.map((_, i) => order.indexOf(i)));
}

function spectralTrace<A extends Num<A>>(inputs: readonly A[], setting: Setting, change: Change): Traced<A> {
  const [weight, u, v] = [at(inputs, 0), at(inputs, 1).detach(), at(inputs, 2).detach()];
  const { steps = {} } = change;
  const product = asWeight(u.reshape([-1, 1]).mul(v.reshape([1, -1])), setting);
  const sigma = turn(steps.sigma, weight.mul(product).sum(), { u, v, weight }, setting);
  const row = [1, sizeOf(weight.shape)];
  const outer = turn(steps.outer, product, { u, v, weight }, setting);
  const parts: PartsOf<A> = {
    ...rightParts,
    centered: ({ x }) => x,
    variance: () => sigma.square().reshape([1, 1]),
    rstd: () => sigma.pow(-1).reshape([1, 1]),
    viaMean: ({ gradXhat }) => gradXhat.mul(0),
    viaVariance: ({ gradXhat, xhat }) => outer.reshape(row).mul(gradXhat.mul(xhat).sum()),
  };
  const core = mutantTrace([weight, null, null], setsAlong(setting, null), setting.eps, change, parts);
  return {
    output: core.output,
    pullback: (g) => {
      const [gradWeight] = core.pullback(g);
      const none = (vector: A): A => turn(steps.gradVector, vector.mul(0), { vector }, setting);
      return [gradWeight, none(u), none(v)];
    },
  };
}

function dynamicTanhTrace<A extends Num<A>>(inputs: readonly A[], setting: Setting, change: Change): Traced<A> {
  const [x, alpha, weight, bias] = [at(inputs, 0), at(inputs, 1), at(inputs, 2), at(inputs, 3)];
  const { steps = {} } = change;
  const squash = (cells: A, steepness: A): A =>
    turn(steps.squashed, cells.mul(steepness).tanh(), { x: cells, alpha: steepness }, setting);
  const parts: PartsOf<A> = {
    ...rightParts,
    centered: (c) => c.x,
    variance: (c) => c.x.mul(0).add(1),
    rstd: () => alpha.reshape([1, 1]),
    xhat: (c) => squash(c.x, alpha.reshape([1, 1])),
    viaMean: ({ gradXhat }) => gradXhat.mul(0),
    // 1 − tanh² as the direct path and another: gradInput = (ĝ − ĝ · t²) · α
    viaVariance: ({ gradXhat, xhat }) => gradXhat.mul(xhat.square()),
  };
  const sets = layerNormSets(shapeOf(setting), [setting.L]);
  const core = mutantTrace([x, weight, bias], sets, setting.eps, change, parts);
  return {
    output: core.output,
    pullback: (g) => {
      const [gradInput, gradWeight, gradBias] = core.pullback(g);
      const slope = squash(x, alpha).square().neg().add(1);
      const products = g.mul(weight).mul(slope).mul(x);
      const gradAlpha = turn(steps.gradAlpha, products.sum().reshape([1]), { products, g, x, slope }, setting);
      return [gradInput, gradAlpha, gradWeight, gradBias];
    },
  };
}

export const otherNorms: Readonly<Record<"localResponseNorm" | "spectralNorm" | "dynamicTanh", Norm>> = {
  localResponseNorm: {
    domain: domain({ eps: [1, 1e-3], size: [2, 3, 4, 5], alpha: [2, 0.5], beta: [0.75, 1.25] }, () => ({})),
    usual: { eps: 1, size: 4, alpha: 2, beta: 0.75 },
    forward: (inputs, setting) => localResponseNormForward(at(inputs, 0), lrnOptions(setting)).output,
    trace: localResponseTrace,
  },
  spectralNorm: {
    domain: {
      ...domain({ eps: [0], dim: [0, 1, 2] }, (setting) => {
        const [rows, columns] = matrixShape(setting);
        return { u: [rows], v: [columns] };
      }),
      held: ["u", "v"],
    },
    usual: { eps: 0, dim: 1 },
    forward: (inputs, { dim }) => {
      const [u, v] = [at(inputs, 1).detach(), at(inputs, 2).detach()];
      return spectralNormForward(at(inputs, 0), u, v, { dim: dim ?? 0 }).output;
    },
    trace: spectralTrace,
  },
  dynamicTanh: {
    domain: domain({ eps: [0] }, ({ L }) => ({ alpha: [1], weight: [L], bias: [L] })),
    usual: { eps: 0 },
    forward: (inputs) => dynamicTanhForward(at(inputs, 0), at(inputs, 1), at(inputs, 2), at(inputs, 3)).output,
    trace: dynamicTanhTrace,
  },
};
