/** The cases of test/pytorch/switchable.json: values, gradients and second derivatives by PyTorch's autograd in float64. */
import { readFileSync } from "node:fs";
import { grad, NdArray, Tensor } from "../../src/autograd/index.ts";
import { expectClose } from "./laws.ts";
import { decode } from "./normFixtures.ts";
import type { Encoded } from "./normFixtures.ts";

export interface AutogradFixture {
  readonly norm: "switchableNorm" | "batchRenorm";
  readonly name: string;
  readonly unbiased?: boolean;
  readonly training?: boolean;
  readonly convention?: "paper" | "ludvb";
  readonly eps?: number;
  readonly rMax?: number;
  readonly dMax?: number;
  readonly runningMean?: Encoded;
  readonly runningVar?: Encoded;
  readonly runningStd?: Encoded;
  readonly inputs: Readonly<Record<string, Encoded>>;
  readonly gradOutput: Encoded;
  readonly output: Encoded;
  readonly gradients: Readonly<Record<string, Encoded>>;
  readonly cotangents: Readonly<Record<string, Encoded>>;
  readonly second: Readonly<Record<string, Encoded>>;
}

/** Of values near 0.5 with spread 1 PyTorch's formulas, which cancel, are good to some 1e-15. */
const TOLERANCE = 1e-12;

export function autogradFixtures(norm: AutogradFixture["norm"]): readonly AutogradFixture[] {
  const text = readFileSync(new URL("../pytorch/switchable.json", import.meta.url), "utf8");
  const { cases }: { readonly cases: readonly AutogradFixture[] } = JSON.parse(text);
  return cases.filter((fixture) => fixture.norm === norm);
}

export function constantOf(encoded: Encoded | undefined): Tensor | null {
  return encoded ? new Tensor(decode(encoded)) : null;
}

/** Inputs by name; all that the fixture has is compared. */
export function expectAutograd(
  fixture: AutogradFixture,
  op: (inputs: Readonly<Record<string, Tensor | undefined>>) => Tensor,
): void {
  const { name, inputs, gradients, cotangents, second } = fixture;
  const leaves = Object.entries(inputs).map(([input, value]) => [input, new Tensor(decode(value), true)] as const);
  const gradOutput = new Tensor(decode(fixture.gradOutput), true);
  const compare = (what: string, actual: NdArray | undefined, expected: Encoded | undefined): void => {
    if (!actual || !expected) throw new Error(`${name}: expected ${what} in both`);
    expectClose(`${name}: ${what}`, actual, decode(expected), TOLERANCE);
  };
  const output = op(Object.fromEntries(leaves));
  compare("output", output.value, fixture.output);
  const tensors = leaves.map(([, leaf]) => leaf);
  const first = grad(output, tensors, { gradOutput, createGraph: true });
  leaves.forEach(([input], i) => compare(`gradient of ${input}`, first[i]?.value, gradients[input]));

  const along = leaves.flatMap(([input], i) => {
    const cotangent = constantOf(cotangents[input]);
    return cotangent && first[i] ? [first[i].mul(cotangent).sum()] : [];
  });
  const all = [...leaves, ["gradOutput", gradOutput] as const];
  const again = grad(
    along.reduce((a, b) => a.add(b)),
    all.map(([, tensor]) => tensor),
    { allowUnused: true },
  );
  all.forEach(([input, tensor], i) => {
    const found = again[i]?.value ?? NdArray.full(tensor.shape, 0, "float64");
    compare(`second derivative by ${input}`, found, second[input]);
  });
}
