/** What is measured. A case is plain data: it travels to the process that measures it as JSON. */

export type Dtype = "float32" | "float64";

export const NORMS = ["layerNorm", "rmsNorm", "batchNorm", "groupNorm", "instanceNorm", "switchableNorm"] as const;
export type NormKind = (typeof NORMS)[number];

/** Forward and backward of one norm: gradients of the input, of the weight and of the bias, with gradOutput given. */
export interface NormCase {
  readonly id: string;
  readonly title: string;
  readonly op: NormKind;
  /** Of the input. LayerNorm and RMSNorm normalize its last dim. */
  readonly shape: readonly number[];
  readonly numGroups: number;
  readonly dtype: Dtype;
  /** Of the input's values; their standard deviation is 1. */
  readonly mean: number;
}

/** The product of two square matrices. */
export interface MatmulCase {
  readonly id: string;
  readonly title: string;
  readonly op: "matmul";
  readonly size: number;
  readonly dtype: Dtype;
}

/** One training step: Linear, LayerNorm, ReLU, twice; Linear; cross-entropy; SGD. */
export interface MlpCase {
  readonly id: string;
  readonly title: string;
  readonly op: "mlp";
  readonly sizes: readonly [inputs: number, hidden: number, hidden2: number, classes: number];
  readonly batch: number;
  readonly lr: number;
  readonly dtype: Dtype;
}

export type Case = NormCase | MatmulCase | MlpCase;

/** Added to the variance inside the root, by everyone who has it as an option. */
export const EPS = 1e-5;

interface NormChoices {
  readonly numGroups?: number;
  readonly dtype?: Dtype;
  readonly mean?: number;
}

const SHORT: Readonly<Record<NormKind, string>> = {
  layerNorm: "LN",
  rmsNorm: "RMSNorm",
  batchNorm: "BN",
  groupNorm: "GN",
  instanceNorm: "IN",
  switchableNorm: "SN",
};

function norm(
  op: NormKind,
  shape: readonly number[],
  { numGroups = 1, dtype = "float32", mean = 0 }: NormChoices = {},
): NormCase {
  const name = op === "groupNorm" ? `${SHORT[op]}(${numGroups})` : SHORT[op];
  const title = `${name} ${shape.join("×")}${dtype === "float64" ? " f64" : ""}`;
  const id = `${SHORT[op].toLowerCase()}${op === "groupNorm" ? numGroups : ""}-${shape.join("x")}`;
  return { id: `${id}${dtype === "float64" ? "-f64" : ""}`, title, op, shape, numGroups, dtype, mean };
}

const matmul = (size: number, dtype: Dtype): MatmulCase => ({
  id: `matmul-${size}-${dtype === "float32" ? "f32" : "f64"}`,
  title: `matmul ${size}³ ${dtype === "float32" ? "f32" : "f64"}`,
  op: "matmul",
  size,
  dtype,
});

export const IMAGES = [8, 64, 28, 28] as const;

/** The first table. */
export const timed: readonly Case[] = [
  norm("layerNorm", [8, 16]),
  norm("layerNorm", [32, 64]),
  norm("layerNorm", [512, 768]),
  norm("layerNorm", [4096, 768]),
  norm("batchNorm", [32, 64, 28, 28]),
  norm("groupNorm", IMAGES, { numGroups: 32 }),
  norm("instanceNorm", IMAGES),
  norm("rmsNorm", [512, 768]),
  norm("switchableNorm", IMAGES),
  norm("layerNorm", [512, 768], { dtype: "float64" }),
  matmul(256, "float32"),
  matmul(256, "float64"),
  {
    id: "mlp",
    title: "MLP step 64-128-128-10",
    op: "mlp",
    sizes: [64, 128, 128, 10],
    batch: 64,
    lr: 0.1,
    dtype: "float32",
  },
];

/** Far from zero, where one-pass variances and float32 sums lose digits. */
export const accuracy: readonly NormCase[] = [
  norm("layerNorm", [512, 768], { mean: 1e4 }),
  norm("batchNorm", [32, 64, 28, 28], { mean: 1e4 }),
  norm("groupNorm", IMAGES, { numGroups: 32, mean: 1e4 }),
  norm("instanceNorm", IMAGES, { mean: 1e4 }),
];

/** About 400,000 elements each, in shapes that unrolled loops and short rows do not like. */
export const shapes: readonly NormCase[] = [
  norm("layerNorm", [512, 768]),
  norm("layerNorm", [521, 757]), // primes
  norm("layerNorm", [1, 393_216]), // one row
  norm("layerNorm", [393_216, 1]), // one column
  norm("layerNorm", [56_173, 7]), // short rows
  norm("groupNorm", IMAGES, { numGroups: 1 }), // one group
  norm("groupNorm", IMAGES, { numGroups: 32 }),
  norm("batchNorm", [4096, 96]), // [N, C]
  norm("batchNorm", [64, 1536, 2, 2]), // few positions
  norm("instanceNorm", [64, 1536, 2, 2]),
];

const LAST = 24;

/** The curve: LayerNorm over rows of 256, from a thousand to sixteen million elements. */
export const sizes: readonly NormCase[] = Array.from({ length: (LAST - 10) / 2 + 1 }, (_, i) =>
  norm("layerNorm", [2 ** (10 + 2 * i - 8), 256]),
);

export function elementsOf(measured: Case): number {
  if (measured.op === "matmul") return measured.size ** 2;
  if (measured.op === "mlp") return measured.batch * measured.sizes[0];
  return measured.shape.reduce((a, b) => a * b, 1);
}

/** The size of weight and bias. */
export function parametersOf({ op, shape }: NormCase): number {
  return (op === "layerNorm" || op === "rmsNorm" ? shape.at(-1) : shape[1]) ?? 1;
}

/** Inputs whose statistics are shared, as five numbers: cell l of set s in repeat r lies at (r · sets + s) · length + l. */
export interface Layout {
  readonly repeats: number;
  readonly sets: number;
  readonly length: number;
  /** Sets after which the weights repeat, and the cells in a row that share one. */
  readonly period: number;
  readonly run: number;
}

export function layoutOf({ op, shape, numGroups }: NormCase): Layout {
  const [samples = 1, channels = 1, ...positions] = shape;
  const run = positions.reduce((a, b) => a * b, 1);
  switch (op) {
    case "layerNorm":
    case "rmsNorm": {
      const length = shape.at(-1) ?? 1;
      return { repeats: 1, sets: shape.reduce((a, b) => a * b, 1) / length, length, period: 1, run: 1 };
    }
    case "batchNorm":
      return { repeats: samples, sets: channels, length: run, period: channels, run };
    case "groupNorm":
      return { repeats: 1, sets: samples * numGroups, length: (channels / numGroups) * run, period: numGroups, run };
    default:
      return { repeats: 1, sets: samples * channels, length: run, period: channels, run };
  }
}
