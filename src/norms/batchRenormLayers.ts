/** The layers of batch renormalization, and the paper's schedules of its limits. The formulas are in batchRenorm.ts. */
import { checkBoolean, checkOptions } from "../autograd/checks.ts";
import { full } from "../autograd/creation.ts";
import { formatNumber } from "../autograd/format.ts";
import { Buffer, Parameter } from "../autograd/module.ts";
import type { Dtype } from "../autograd/ndarray.ts";
import { formatShape } from "../autograd/shape.ts";
import { checkTensor } from "../autograd/tensor.ts";
import type { Tensor } from "../autograd/tensor.ts";
import { batchRenorm, checkBatchRenorm, checkConvention, checkLimits, defaults } from "./batchRenorm.ts";
import type { BatchRenormConvention, BatchRenormLimits } from "./batchRenorm.ts";
import { batchRenormCase } from "./batchRenormCase.ts";
import { checkChannels, checkCount, checkEps, checkMomentum } from "./checks.ts";
import { Norm } from "./descriptor.ts";
import type { NormCase } from "./descriptor.ts";

/** A limit, or how it grows with the number of batches that training has seen. */
export type BatchRenormSchedule = number | ((batches: number) => number);

/**
 * The paper's schedule of rMax: 1 for 5,000 batches, then growing to 3 at 40,000.
 *
 * @example
 * [0, 5000, 22500, 40000, 90000].map(rMaxSchedule); // [1, 1, 2, 3, 3]
 */
export function rMaxSchedule(batches: number): number {
  return Math.min(3, Math.max(1, 1 + (2 * (batches - 5000)) / 35000));
}

/**
 * The paper's schedule of dMax: 0 for 5,000 batches, then growing to 5 at 25,000.
 *
 * @example
 * [0, 5000, 15000, 25000, 90000].map(dMaxSchedule); // [0, 0, 2.5, 5, 5]
 */
export function dMaxSchedule(batches: number): number {
  return Math.min(5, Math.max(0, (5 * (batches - 5000)) / 20000));
}

export interface BatchRenormModuleOptions {
  readonly eps?: number;
  /** Weight of the NEW value; null averages all batches alike. */
  readonly momentum?: number | null;
  readonly affine?: boolean;
  readonly rMax?: BatchRenormSchedule;
  readonly dMax?: BatchRenormSchedule;
  readonly convention?: BatchRenormConvention;
  readonly dtype?: Dtype | undefined;
}

abstract class BatchRenorm extends Norm {
  readonly numFeatures: number;
  readonly eps: number;
  readonly momentum: number | null;
  readonly affine: boolean;
  readonly rMax: BatchRenormSchedule;
  readonly dMax: BatchRenormSchedule;
  readonly convention: BatchRenormConvention;
  readonly weight: Parameter | null;
  readonly bias: Parameter | null;
  readonly runningMean: Buffer;
  readonly runningStd: Buffer;
  /** How many batches training has seen; the limits grow with it. */
  readonly numBatchesTracked: Buffer;

  constructor(numFeatures: number, options: BatchRenormModuleOptions = {}) {
    super();
    const { name } = this.constructor;
    const known = ["eps", "momentum", "affine", "rMax", "dMax", "convention", "dtype"] as const;
    const given = checkOptions(name, options, known);
    const { affine = true, rMax = rMaxSchedule, dMax = dMaxSchedule, convention = "paper", dtype } = given;
    this.convention = checkConvention(name, convention);
    const { eps = defaults(convention).eps, momentum = defaults(convention).momentum } = given;
    this.numFeatures = checkCount(name, "numFeatures", numFeatures);
    this.eps = checkEps(name, eps);
    this.momentum = momentum === null ? null : checkMomentum(name, momentum);
    this.affine = checkBoolean(name, "affine", affine);
    this.rMax = rMax;
    this.dMax = dMax;
    checkLimits(name, limitsAt(this, 0));
    const made = dtype === undefined ? {} : { dtype };
    this.weight = affine ? new Parameter(full([numFeatures], 1, made)) : null;
    this.bias = affine ? new Parameter(full([numFeatures], 0, made)) : null;
    this.runningMean = new Buffer(full([numFeatures], 0, made));
    this.runningStd = new Buffer(full([numFeatures], 1, made));
    this.numBatchesTracked = new Buffer(full([], 0, { dtype: "float64" }), { optional: true });
  }

  /** The numbers of dims that an input may have. */
  protected abstract readonly inputDims: readonly number[];

  override forward(input: Tensor): Tensor {
    this.checkInput(input);
    const { weight, bias, training, eps, convention, numBatchesTracked } = this;
    const batches = numBatchesTracked.item();
    const momentum = this.momentum ?? 1 / (batches + 1);
    const settings = { weight, bias, training, eps, convention, momentum, ...limitsAt(this, batches) };
    const output = batchRenorm(input, this.runningMean, this.runningStd, settings);
    // After the call, so that one that throws has counted nothing. An empty batch is none: nothing of it is averaged.
    if (training && input.numel > 0) numBatchesTracked.value = numBatchesTracked.value.add(1);
    return output;
  }

  override normCase(input: Tensor): { case: NormCase; inputs: readonly Tensor[] } {
    this.checkInput(input);
    const { weight, bias, training, eps, convention, runningMean, runningStd } = this;
    checkBatchRenorm(input, runningMean, runningStd, { weight, bias }, training);
    const limits = training ? limitsAt(this, this.numBatchesTracked.item()) : null;
    return {
      case: batchRenormCase(
        input.shape,
        { eps, convention },
        { hasWeight: weight !== null, hasBias: bias !== null },
        { mean: [...runningMean.data], std: [...runningStd.data] },
        limits,
      ),
      inputs: [input, weight, bias].filter((array) => array !== null),
    };
  }

  protected override extraRepr(): string {
    const { numFeatures, eps, momentum, affine: has, rMax, dMax, convention } = this;
    const shown = (value: BatchRenormSchedule | null): string =>
      typeof value === "number" ? formatNumber(value) : value === null ? "null" : "schedule";
    return (
      `${numFeatures}, eps=${formatNumber(eps)}, momentum=${shown(momentum)}, affine=${has}, ` +
      `rMax=${shown(rMax)}, dMax=${shown(dMax)}, convention=${convention}`
    );
  }

  private checkInput(input: Tensor): void {
    const { name } = this.constructor;
    if (!this.inputDims.includes(checkTensor(name, "input", input).ndim)) {
      throw new RangeError(
        `${name}: expected ${this.inputDims.map((n) => `${n}D`).join(" or ")} input, got ${input.ndim}D ` +
          `of shape ${formatShape(input.shape)}`,
      );
    }
    checkChannels(name, "numFeatures", this.numFeatures, input, 1);
  }
}

/**
 * Batch renormalization of [N, C] or [N, C, L].
 *
 * @param numFeatures C
 * @param options.eps default 1e-5; 1e-3 for "ludvb"
 * @param options.momentum weight of the NEW value in the running statistics; null gives every batch the same weight.
 *   Default 0.1; 0.01 for "ludvb". The longer the average, the less r and d follow the batch
 * @param options.affine learn weight (initially 1) and bias (initially 0), [C]. Default true
 * @param options.rMax the limit of r, or how it grows with the number of batches. Default rMaxSchedule: it starts as
 *   batch normalization
 * @param options.dMax the limit of d, likewise. Default dMaxSchedule
 * @param options.convention "paper" (default) or "ludvb": see batchRenorm
 * @param options.dtype of the parameters and buffers. Default: the default dtype, float64
 * @throws RangeError if an input has another number of dims or channels, or a single value a channel in training
 * @example
 * const norm = new BatchRenorm1d(2, { rMax: 3, dMax: 5 });
 * norm.forward(tensor([[1, 10], [3, 30]]));
 * norm.runningMean; // [0.2, 2]
 * norm.runningStd; // [1, 1.9]: the second is 0.9 + 0.1 · 10
 */
export class BatchRenorm1d extends BatchRenorm {
  protected override get inputDims(): readonly number[] {
    return [2, 3];
  }
}

/**
 * Batch renormalization of [N, C, H, W]. Options as BatchRenorm1d.
 *
 * @example
 * new BatchRenorm2d(16).forward(randn([8, 16, 4, 4])).shape; // [8, 16, 4, 4]
 */
export class BatchRenorm2d extends BatchRenorm {
  protected override get inputDims(): readonly number[] {
    return [4];
  }
}

/**
 * Batch renormalization of [N, C, D, H, W]. Options as BatchRenorm1d.
 *
 * @example
 * new BatchRenorm3d(4).forward(randn([2, 4, 3, 3, 3])).shape; // [2, 4, 3, 3, 3]
 */
export class BatchRenorm3d extends BatchRenorm {
  protected override get inputDims(): readonly number[] {
    return [5];
  }
}

/** Limits as numbers, after so many batches. */
function limitsAt({ rMax, dMax }: Pick<BatchRenorm, "rMax" | "dMax">, batches: number): BatchRenormLimits {
  const at = (limit: BatchRenormSchedule): number => (typeof limit === "function" ? limit(batches) : limit);
  return { rMax: at(rMax), dMax: at(dMax) };
}
