/**
 * Dropout. Srivastava et al. (2014), https://jmlr.org/papers/v15/srivastava14a.html
 *
 *   y = x · m        m = 0 with probability p, else 1 / (1 − p): drawn anew each time, so that E[y] = x
 *
 * The mask m is drawn outside of the rule and enters as an input without gradient: a rule may run again, and must then
 * see the same mask. Backward, with g = ∂L/∂y:  ∂L/∂x = g · m
 */
import { checkNumber, checkOptions } from "../autograd/checks.ts";
import { Module } from "../autograd/module.ts";
import { NdArray } from "../autograd/ndarray.ts";
import type { Num } from "../autograd/num.ts";
import { checkGenerator, defaultGenerator } from "../autograd/random.ts";
import type { Generator } from "../autograd/random.ts";
import type { Traced } from "../autograd/tape.ts";
import { apply, checkTensor, Tensor } from "../autograd/tensor.ts";

export interface DropoutOptions {
  /** Otherwise the input passes unchanged. Default true. */
  readonly training?: boolean;
  /** Draws the mask. Default: the one that `manualSeed` seeds. */
  readonly generator?: Generator;
}

export const dropoutRule = <A extends Num<A>>(x: A, mask: A): Traced<A, readonly [A, null]> => ({
  output: x.mul(mask),
  pullback: (gradOutput) => [gradOutput.mul(mask), null],
});

/**
 * Sets each value to zero with probability p and divides the others by 1 − p: torch.nn.functional.dropout.
 *
 * @param input of any shape
 * @param p from 0 to 1; with 1 all values become zero
 * @param options.training default true; false answers the input
 * @param options.generator draws one number a value. Default: the one that `manualSeed` seeds
 * @throws RangeError if p is not in [0, 1]
 * @example
 * dropout(ones([4]), 0.5, { generator: new Generator(1) }); // each value 0 or 2
 */
export function dropout(input: Tensor, p: number, options: DropoutOptions = {}): Tensor {
  const { training = true, generator = defaultGenerator } = checkOptions("dropout", options, ["training", "generator"]);
  checkTensor("dropout", "input", input);
  checkGenerator("dropout", generator);
  checkProbability("dropout", p);
  if (!training || p === 0) return input;
  const kept = 1 / (1 - p);
  const mask = new Float64Array(input.numel).map(() => (generator.uniform() < p ? 0 : kept));
  const drawn = new Tensor(new NdArray(mask, input.shape).to(input.dtype));
  return apply("dropout", { rule: dropoutRule, attributes: { p } }, input, drawn);
}

/**
 * Dropout in training, the identity in evaluation: torch.nn.Dropout.
 *
 * @param p the probability that a value becomes zero. Default 0.5
 * @param options.generator draws the masks. Default: the one that `manualSeed` seeds
 * @throws RangeError if p is not in [0, 1]
 * @example
 * const layer = new Dropout(0.2);
 * String(layer); // Dropout(p=0.2)
 * layer.eval().forward(ones([3])).toArray(); // [1, 1, 1]
 */
export class Dropout extends Module {
  readonly p: number;
  readonly #generator: Generator;

  constructor(p = 0.5, options: { readonly generator?: Generator } = {}) {
    super();
    const { generator = defaultGenerator } = checkOptions("Dropout", options, ["generator"]);
    checkProbability("Dropout", p);
    this.p = p;
    this.#generator = checkGenerator("Dropout", generator);
  }

  override forward(input: Tensor): Tensor {
    return dropout(input, this.p, { training: this.training, generator: this.#generator });
  }

  protected override extraRepr(): string {
    return `p=${this.p}`;
  }
}

function checkProbability(name: string, p: number): void {
  checkNumber(name, "p", p);
  if (!(p >= 0 && p <= 1)) throw new RangeError(`${name}: expected a probability p in [0, 1], got ${String(p)}`);
}
