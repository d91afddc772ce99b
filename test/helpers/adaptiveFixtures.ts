/** The cases of test/pytorch/adaptive.json: values and derivatives that PyTorch takes of elementary formulas. */
import { readFileSync } from "node:fs";
import { grad, Tensor } from "../../src/autograd/index.ts";
import { expectClose } from "./laws.ts";
import { decode } from "./normFixtures.ts";
import type { Encoded } from "./normFixtures.ts";

export interface AdaptiveOptions {
  readonly eps?: number;
  readonly unbiased?: boolean;
  readonly alpha?: number;
  readonly labels?: readonly number[];
  readonly dim?: number | null;
  readonly u?: readonly number[];
  readonly v?: readonly number[];
}

interface AdaptiveFixture {
  readonly norm: string;
  readonly name: string;
  readonly options: AdaptiveOptions;
  readonly inputs: Readonly<Record<string, Encoded>>;
  readonly gradOutput: Encoded;
  readonly output: Encoded;
  readonly grads: Readonly<Record<string, Encoded>>;
  readonly double: {
    readonly weights: Readonly<Record<string, Encoded>>;
    readonly gradOutput: Encoded;
    readonly grads: Readonly<Record<string, Encoded>>;
  };
}

/** A layer whose weight PyTorch computes from other tensors. */
export interface LayerFixture {
  readonly wrapper: "weightNorm" | "spectralNorm";
  readonly layer: "Linear" | "Conv2d";
  /** The state of the layer before it is wrapped: weight and bias. */
  readonly plain: readonly { readonly key: string; readonly value: Encoded }[];
  readonly x: Encoded;
  // weightNorm
  readonly dim?: number | null;
  readonly state?: readonly { readonly key: string; readonly value: Encoded }[];
  readonly output?: Encoded;
  // spectralNorm
  readonly order?: "vThenU" | "uThenV";
  readonly nPowerIterations?: number;
  readonly keys?: readonly string[] | null;
  readonly u?: Encoded;
  readonly v?: Encoded;
  /** Three in training, one in evaluation. */
  readonly steps?: readonly { readonly output: Encoded; readonly u: Encoded; readonly v: Encoded }[];
}

/** PyTorch's own rounding: test/pytorch/README.md. */
export const TOLERANCE = 1e-13;

const fixtures: { readonly cases: readonly AdaptiveFixture[]; readonly layers: readonly LayerFixture[] } = JSON.parse(
  readFileSync(new URL("../pytorch/adaptive.json", import.meta.url), "utf8"),
);

export function layerFixtures(wrapper: LayerFixture["wrapper"]): readonly LayerFixture[] {
  return fixtures.layers.filter((fixture) => fixture.wrapper === wrapper);
}

export type AdaptiveOp = (inputs: Readonly<Record<string, Tensor>>, options: AdaptiveOptions) => Tensor;

/** Output, gradients and the gradients of the weighted gradients are PyTorch's, in every case of this norm. */
export function expectAdaptiveFixtures(norm: string, op: AdaptiveOp): void {
  const cases = fixtures.cases.filter((fixture) => fixture.norm === norm);
  if (cases.length < 3) throw new Error(`expected cases of ${norm}, got ${cases.length}`);
  for (const { name, options, inputs: encoded, double, ...expected } of cases) {
    const names = Object.keys(encoded);
    const inputs = Object.fromEntries(
      Object.entries(encoded).map(([key, value]) => [key, new Tensor(decode(value), true)]),
    );
    const leaves = Object.values(inputs);
    const gradOutput = new Tensor(decode(expected.gradOutput), true);
    const compare = (what: string, actual: Tensor | null | undefined, array: Encoded | undefined): void => {
      if (!array) throw new Error(`${name}: expected ${what} in the fixture`);
      const value = actual?.value ?? decode(array).mul(0); // what the output does not depend on has the gradient 0
      expectClose(`${name}: ${what}`, value, decode(array), TOLERANCE);
    };

    const output = op(inputs, options);
    compare("output", output, expected.output);
    const first = grad(output, leaves, { gradOutput, createGraph: true });
    first.forEach((gradient, i) => compare(`gradient of ${names[i]}`, gradient, expected.grads[names[i] ?? ""]));
    const weighted = first.map((gradient, i) => {
      const weight = double.weights[names[i] ?? ""];
      return weight ? gradient.mul(new Tensor(decode(weight))).sum() : gradient.sum();
    });
    const total = weighted.reduce((a, b) => a.add(b));
    const [byGradOutput, ...second] = grad(total, [gradOutput, ...leaves], { allowUnused: true });
    compare("second derivative by gradOutput", byGradOutput, double.gradOutput);
    second.forEach((gradient, i) =>
      compare(`second derivative by ${names[i]}`, gradient, double.grads[names[i] ?? ""]),
    );
  }
}
