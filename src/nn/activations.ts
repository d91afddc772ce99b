/**
 * Activation functions, value by value, with g = ∂L/∂y:
 *
 *   relu      y = max(x, 0)                                          ∂L/∂x = g where x > 0, else 0
 *   sigmoid   y = 1 / (1 + e⁻ˣ)                                      ∂L/∂x = g · y · (1 − y)
 *   tanh                                                             ∂L/∂x = g · (1 − y²)
 *   gelu      y = x · Φ(x), Φ(x) = ½ (1 + erf(x/√2))                 ∂L/∂x = g · (Φ(x) + x · φ(x)), φ = Φ′
 *   gelu with approximate "tanh"
 *             y = x · ½ (1 + t), t = tanh(√(2/π) · (x + 0.044715 x³))
 *             ∂L/∂x = g · (½ (1 + t) + x · ½ (1 − t²) · √(2/π) · (1 + 3 · 0.044715 x²))
 *
 * Hendrycks & Gimpel (2016), https://arxiv.org/abs/1606.08415, for the last two.
 */
import { pointwise } from "../autograd/activations.ts";
import type { Pointwise } from "../autograd/activations.ts";
import { checkOptions } from "../autograd/checks.ts";
import { Module } from "../autograd/module.ts";
import type { Num } from "../autograd/num.ts";
import type { Traced } from "../autograd/tape.ts";
import { apply, checkTensor } from "../autograd/tensor.ts";
import type { Tensor } from "../autograd/tensor.ts";

export const geluTanhRule = <A extends Num<A>>(x: A): Traced<A, readonly [A]> => {
  const t = x.square().mul(CUBIC).add(1).mul(x).mul(SQRT_2_OVER_PI).tanh();
  const gate = t.add(1).mul(0.5);
  return {
    output: x.mul(gate),
    pullback: (gradOutput) => {
      const innerSlope = x
        .square()
        .mul(3 * CUBIC)
        .add(1)
        .mul(SQRT_2_OVER_PI);
      const gateSlope = t.square().neg().add(1).mul(0.5).mul(innerSlope);
      return [gradOutput.mul(gate.add(x.mul(gateSlope)))];
    },
  };
};

const CUBIC = 0.044715;
const SQRT_2_OVER_PI = /* @__PURE__ */ Math.sqrt(2 / Math.PI);

export const geluTanhKernel: Pointwise = /* @__PURE__ */ pointwise(
  (x) => x * 0.5 * (1 + Math.tanh(SQRT_2_OVER_PI * (x + CUBIC * x * x * x))),
  (x) => {
    const t = Math.tanh(SQRT_2_OVER_PI * (x + CUBIC * x * x * x));
    return 0.5 * (1 + t) + x * 0.5 * (1 - t * t) * SQRT_2_OVER_PI * (1 + 3 * CUBIC * x * x);
  },
);

/**
 * max(x, 0): torch.nn.functional.relu. Its derivative at 0 is 0.
 *
 * @example
 * relu(tensor([-1, 0, 2])).toArray(); // [0, 0, 2]
 */
export function relu(input: Tensor): Tensor {
  return checkTensor("relu", "input 0", input).relu();
}

/**
 * x · Φ(x), Φ the normal distribution function: torch.nn.functional.gelu.
 *
 * @param options.approximate "none" (default) for the exact Φ, "tanh" for a formula that is within 5e-4
 * @throws TypeError if `approximate` is neither
 * @example
 * gelu(tensor([1])).item(); // 0.8413…
 */
export function gelu(input: Tensor, options: { readonly approximate?: GeluApproximation } = {}): Tensor {
  const { approximate = "none" } = checkOptions("gelu", options, ["approximate"]);
  checkApproximation("gelu", approximate);
  if (approximate === "none") return checkTensor("gelu", "input 0", input).gelu();
  return apply("gelu", { rule: geluTanhRule, kernel: geluTanhKernel, attributes: { approximate } }, input);
}

/**
 * The hyperbolic tangent: torch.tanh.
 *
 * @example
 * tanh(tensor([0, 1])).toArray(); // [0, 0.7616]
 */
export function tanh(input: Tensor): Tensor {
  return checkTensor("tanh", "input 0", input).tanh();
}

/**
 * 1 / (1 + e⁻ˣ), without overflow: torch.sigmoid.
 *
 * @example
 * sigmoid(tensor([0, 1])).toArray(); // [0.5, 0.7311]
 */
export function sigmoid(input: Tensor): Tensor {
  return checkTensor("sigmoid", "input 0", input).sigmoid();
}

/** max(x, 0): torch.nn.ReLU. */
export class ReLU extends Module {
  override forward(input: Tensor): Tensor {
    return relu(input);
  }
}

export type GeluApproximation = "none" | "tanh";

/**
 * x · Φ(x): torch.nn.GELU.
 *
 * @param options.approximate "none" (default) or "tanh"
 * @throws TypeError if it is neither
 * @example
 * String(new GELU({ approximate: "tanh" })); // GELU(approximate="tanh")
 */
export class GELU extends Module {
  readonly approximate: GeluApproximation;

  constructor(options: { readonly approximate?: GeluApproximation } = {}) {
    super();
    const { approximate = "none" } = checkOptions("GELU", options, ["approximate"]);
    checkApproximation("GELU", approximate);
    this.approximate = approximate;
  }

  override forward(input: Tensor): Tensor {
    return gelu(input, { approximate: this.approximate });
  }

  protected override extraRepr(): string {
    return `approximate="${this.approximate}"`;
  }
}

/** The hyperbolic tangent: torch.nn.Tanh. */
export class Tanh extends Module {
  override forward(input: Tensor): Tensor {
    return tanh(input);
  }
}

/** 1 / (1 + e⁻ˣ): torch.nn.Sigmoid. */
export class Sigmoid extends Module {
  override forward(input: Tensor): Tensor {
    return sigmoid(input);
  }
}

/** Answers its input: torch.nn.Identity. */
export class Identity extends Module {
  override forward(input: Tensor): Tensor {
    return input;
  }
}

function checkApproximation(name: string, approximate: GeluApproximation): void {
  if (approximate !== "none" && approximate !== "tanh") {
    throw new TypeError(`${name}: expected approximate "none" or "tanh", got ${String(approximate)}`);
  }
}
