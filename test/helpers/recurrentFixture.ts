/** test/pytorch/recurrent.json: cells, embedding, attention and schedules. test/pytorch/README.md describes it. */
import { readFileSync } from "node:fs";
import { grad, NdArray, Tensor } from "../../src/autograd/index.ts";
import { given } from "./given.ts";
import { expectClose } from "./laws.ts";
import { decoded, PYTORCH } from "./nnFixture.ts";
import type { EncodedArray } from "./nnFixture.ts";

type ByName = Readonly<Record<string, EncodedArray>>;

/** A function of tensors by name, at first and second order; which options it has depends on the op. */
export interface RecurrentCase<Options> {
  readonly op: string;
  readonly name: string;
  readonly options: Options;
  readonly inputs: ByName;
  readonly gradOutput: EncodedArray;
  readonly output: EncodedArray;
  readonly grads: ByName;
  /** The gradient of Σ ⟨weights, grads⟩ by each input and by gradOutput. */
  readonly double: { readonly weights: ByName; readonly gradOutput: EncodedArray; readonly grads: ByName };
}

/** A cell of PyTorch's with its state, and three steps from the state where none is passed. */
export interface ModuleCase {
  readonly module: "RNNCell" | "GRUCell" | "LSTMCell";
  readonly options: { readonly nonlinearity?: "tanh" | "relu"; readonly bias?: boolean };
  readonly state: readonly { readonly key: string; readonly value: EncodedArray }[];
  /** The initial numbers of one of the sizes `boundOf` are uniform within it. */
  readonly bound: number;
  readonly boundOf: readonly [inputSize: number, hiddenSize: number];
  readonly xs: readonly EncodedArray[];
  readonly outputs: readonly EncodedArray[];
}

/** Rates and momenta [steps + 1, 2] of two groups with the initial rates 0.3 and 0.1. */
export interface ScheduleCase<Options> {
  readonly scheduler: string;
  readonly options: Options;
  readonly optimizer: "SGD" | "Adam";
  readonly lrs: EncodedArray;
  readonly momenta: EncodedArray;
}

interface Fixture {
  readonly cases: readonly RecurrentCase<never>[];
  readonly modules: readonly ModuleCase[];
  readonly schedulers: readonly ScheduleCase<never>[];
}

function fixture(): Fixture {
  return JSON.parse(readFileSync(new URL("../pytorch/recurrent.json", import.meta.url), "utf8"));
}

export function recurrentCases<Options = Readonly<Record<string, never>>>(
  op: string,
): readonly RecurrentCase<Options>[] {
  return fixture().cases.filter((entry) => entry.op === op);
}

export function moduleCases(module: string): readonly ModuleCase[] {
  return fixture().modules.filter((entry) => entry.module === module);
}

export function scheduleCases<Options>(scheduler: string): readonly ScheduleCase<Options>[] {
  return fixture().schedulers.filter((entry) => entry.scheduler === scheduler);
}

/** Output, gradients and the gradient of the gradients are PyTorch's. */
export function expectRecurrentCase<Options>(
  { name, inputs, gradOutput, output, grads, double }: RecurrentCase<Options>,
  op: (inputs: Readonly<Record<string, Tensor>>) => Tensor,
): void {
  const names = Object.keys(inputs);
  const leaves = Object.fromEntries(names.map((key) => [key, new Tensor(decoded(given(inputs[key])), true)]));
  const tensors = names.map((key) => given(leaves[key]));
  const actual = op(leaves);
  expectClose(`${name}: output`, actual.value, decoded(output), PYTORCH);
  const g = new Tensor(decoded(gradOutput), true);
  const first = grad(actual, tensors, { gradOutput: g, createGraph: true });
  const sum = first.reduce(
    (total, gradient, i) => {
      const key = given(names[i]);
      expectClose(`${name}: gradient of ${key}`, gradient.value, decoded(given(grads[key])), PYTORCH);
      return total.add(gradient.mul(new Tensor(decoded(given(double.weights[key])))).sum());
    },
    new Tensor(NdArray.full([], 0, "float64")),
  );
  const expected = [...names.map((key) => given(double.grads[key])), double.gradOutput];
  grad(sum, [...tensors, g], { allowUnused: true }).forEach((gradient, i) => {
    const wanted = decoded(given(expected[i]));
    const value = gradient?.value ?? NdArray.full(wanted.shape, 0, "float64");
    expectClose(`${name}: second gradient of ${names[i] ?? "gradOutput"}`, value, wanted, PYTORCH);
  });
}
