/**
 * Adam. Kingma and Ba (2015), https://arxiv.org/abs/1412.6980, as torch.optim.Adam and AdamW. With parameter θ, gradient
 * g (−g to maximize), [β₁, β₂] = betas, and t the number of the parameter's step, from 1:
 *
 *   Adam    g ← g + weightDecay · θ                   an L2 penalty, which the division below rescales
 *   AdamW   θ ← θ − lr · weightDecay · θ              decoupled: Loshchilov and Hutter (2019), arxiv.org/abs/1711.05101
 *
 *   m = β₁ · m + (1 − β₁) · g                         expAvg, initially 0
 *   v = β₂ · v + (1 − β₂) · g²                        expAvgSq, initially 0
 *   v̂ = max of all v so far                           with amsgrad (Reddi et al. 2018); else v
 *   θ ← θ − lr / (1 − β₁ᵗ) · m / (√v̂ / √(1 − β₂ᵗ) + eps)
 *
 * eps stands outside of the root and is added after the bias correction.
 */
import { checkOptions } from "../autograd/checks.ts";
import { NdArray } from "../autograd/ndarray.ts";
import type { FloatArray } from "../autograd/ndarray.ts";
import { checkList } from "../autograd/shape.ts";
import { checkRange, Optimizer } from "./optimizer.ts";
import type { OptimizerState, ParamGroup, Trainable } from "./optimizer.ts";

export interface AdamOptions {
  betas: readonly [beta1: number, beta2: number];
  eps: number;
  weightDecay: number;
  amsgrad: boolean;
  maximize: boolean;
}

type Init = Readonly<Partial<AdamOptions>> & { readonly lr?: number };

const ADAM_OPTIONS = ["lr", "betas", "eps", "weightDecay", "amsgrad", "maximize"] as const;

/**
 * Adam, with weight decay as an L2 penalty. As torch.optim.Adam.
 *
 * @param parameters tensors, or groups `{ params, lr, betas, … }` with options of their own
 * @param options.lr learning rate. Default 1e-3
 * @param options.betas shares of the averages of g and g² that are kept. Default [0.9, 0.999]
 * @param options.eps added to the root. Default 1e-8
 * @param options.weightDecay L2 penalty: adds weightDecay · θ to the gradient. Default 0
 * @param options.amsgrad divides by the largest average so far. Default false
 * @param options.maximize climbs instead. Default false
 * @throws RangeError if there is nothing to train, or an option is negative or a beta not in [0, 1)
 * @example
 * const w = tensor([1, 2], { requiresGrad: true });
 * const optimizer = new Adam([w], { lr: 0.1 });
 * w.square().sum().backward();
 * optimizer.step();
 * w.toArray(); // [0.9000000005, 1.90000000025]: the first step is lr · sign(g), whatever the size of g
 */
export class Adam extends Optimizer<AdamOptions> {
  /** Whether weight decay shrinks θ itself instead of adding to the gradient. */
  protected readonly decoupled: boolean = false;

  constructor(parameters: Trainable<AdamOptions>, options: Init = {}) {
    const {
      lr = 1e-3,
      betas = [0.9, 0.999],
      eps = 1e-8,
      weightDecay = 0,
    } = checkOptions("Adam", options, ADAM_OPTIONS);
    const { amsgrad = false, maximize = false } = options;
    super(parameters, { lr, betas, eps, weightDecay, amsgrad, maximize });
  }

  protected override update(
    parameter: NdArray,
    gradient: NdArray,
    state: OptimizerState,
    { lr, betas: [beta1, beta2], eps, weightDecay, amsgrad, maximize }: ParamGroup<AdamOptions>,
  ): { value: NdArray; state: OptimizerState } {
    const theta = parameter.data;
    const zeros = new Float64Array(state.expAvg === undefined ? theta.length : 0);
    const before = (name: string): FloatArray => state[name]?.data ?? zeros;
    const [m, v, largest] = [before("expAvg"), before("expAvgSq"), amsgrad ? before("maxExpAvgSq") : zeros];
    const step = (state.step?.data[0] ?? 0) + 1;
    const rate = lr / (1 - beta1 ** step);
    const rootCorrection = Math.sqrt(1 - beta2 ** step);
    const sign = maximize ? -1 : 1;
    const [penalty, shrink] = this.decoupled ? [0, 1 - lr * weightDecay] : [weightDecay, 1];
    const [value, nextM, nextV] = [theta.slice(), theta.slice(), theta.slice()];
    const nextLargest = amsgrad ? theta.slice() : zeros;
    const count = theta.length; // not read again in each pass: V8 does not see that it stays
    for (let i = 0; i < count; i++) {
      const g = sign * gradient.data[i]! + penalty * theta[i]!;
      const mean = (nextM[i] = beta1 * m[i]! + (1 - beta1) * g);
      const square = (nextV[i] = beta2 * v[i]! + (1 - beta2) * g * g);
      const divisor = amsgrad ? (nextLargest[i] = Math.max(largest[i]!, square)) : square;
      value[i] = shrink * theta[i]! - (rate * mean) / (Math.sqrt(divisor) / rootCorrection + eps);
    }
    const wrap = (data: FloatArray): NdArray => new NdArray(data, parameter.shape);
    return {
      value: wrap(value),
      state: {
        step: NdArray.full([], step, "float64"),
        expAvg: wrap(nextM),
        expAvgSq: wrap(nextV),
        ...(amsgrad && { maxExpAvgSq: wrap(nextLargest) }),
      },
    };
  }

  protected override checkOptions(options: AdamOptions & { readonly lr: number }): void {
    const { lr, eps, weightDecay } = options;
    const name = this.constructor.name;
    for (const [what, value] of Object.entries({ lr, eps, weightDecay })) checkRange(name, what, value);
    checkList(name, "betas", options.betas);
    const [beta1, beta2] = options.betas;
    for (const [what, beta] of Object.entries({ "betas[0]": beta1, "betas[1]": beta2 }))
      checkRange(name, what, beta, 0, 1);
  }

  protected override stateNames({ amsgrad }: AdamOptions): readonly string[] {
    return ["step", "expAvg", "expAvgSq", ...(amsgrad ? ["maxExpAvgSq"] : [])];
  }
}

/**
 * Adam with decoupled weight decay, which shrinks θ directly. As torch.optim.AdamW; options and errors as Adam, but
 * weightDecay is 1e-2 by default.
 *
 * @example
 * const model = new Linear(4, 2);
 * const optimizer = new AdamW(model.parameters(), { lr: 1e-3, weightDecay: 0.05 });
 */
export class AdamW extends Adam {
  protected override readonly decoupled: boolean = true;

  constructor(parameters: Trainable<AdamOptions>, options: Init = {}) {
    const { weightDecay = 1e-2, ...others } = checkOptions("AdamW", options, ADAM_OPTIONS);
    super(parameters, { weightDecay, ...others });
  }
}
