import { describeValue } from "../autograd/format.ts";
import { Module } from "../autograd/module.ts";
import type { Tensor } from "../autograd/tensor.ts";

/**
 * Modules run one after the other: torch.nn.Sequential. They are named "0", "1", …, also in the state dict.
 *
 * @param modules of one input each; a module that stands there twice shares its parameters
 * @throws TypeError if something is not a module
 * @example
 * const model = new Sequential(new Linear(4, 8), new ReLU(), new Linear(8, 3));
 * model.forward(randn([2, 4])).shape; // [2, 3]
 * Object.keys(model.stateDict()); // ["0.weight", "0.bias", "2.weight", "2.bias"]
 */
export class Sequential extends Module {
  readonly layers: readonly Module[];

  constructor(...modules: readonly Module[]) {
    super();
    const other = modules.findIndex((module: unknown) => !(module instanceof Module));
    if (other >= 0)
      throw new TypeError(`Sequential: expected modules, got ${describeValue(modules[other])} at ${other}`);
    this.layers = modules;
  }

  override *namedChildren(): Generator<readonly [name: string, child: Module]> {
    for (const [i, module] of this.layers.entries()) yield [String(i), module];
  }

  override forward(input: Tensor): Tensor {
    return this.layers.reduce((output, module) => module.forward(output), input);
  }
}
