/** The cases of test/pytorch/norms.json and state.json, and how close to them a norm must come. */
import { readFileSync } from "node:fs";
import { grad, NdArray, Tensor } from "../../src/autograd/index.ts";
import type { Dtype, Shape, StateDict } from "../../src/autograd/index.ts";
import { expectClose } from "./laws.ts";

/** An array as the fixtures hold it. */
export interface Encoded {
  readonly shape: Shape;
  readonly data: readonly number[];
}

export interface NormFixture {
  readonly norm: string;
  readonly name: string;
  readonly dtype: Dtype;
  readonly options: {
    readonly eps: number;
    readonly training?: boolean;
    readonly normalizedShape?: readonly number[];
    readonly useInputStats?: boolean;
    readonly numGroups?: number;
  };
  readonly mean: number;
  readonly spread: number;
  readonly inputs: {
    readonly x: Encoded;
    readonly weight?: Encoded;
    readonly bias?: Encoded;
    readonly runningMean?: Encoded;
    readonly runningVar?: Encoded;
  };
  readonly gradOutput: Encoded;
  readonly output: Encoded;
  readonly gradInput: Encoded;
  readonly gradWeight?: Encoded;
  readonly gradBias?: Encoded;
  readonly double: {
    readonly v: Encoded;
    readonly u?: Encoded;
    readonly t?: Encoded;
    readonly gradOutput: Encoded;
    readonly weight?: Encoded;
    readonly x: Encoded;
  };
}

export interface StateFixture {
  readonly module: string;
  readonly name: string;
  readonly options: {
    readonly numFeatures: number;
    readonly eps: number;
    readonly momentum: number | null;
    readonly affine: boolean;
    readonly trackRunningStats: boolean;
  };
  readonly weight: Encoded | null;
  readonly bias: Encoded | null;
  readonly stateDictKeys: readonly string[];
  readonly steps: readonly {
    readonly x: Encoded;
    readonly output: Encoded;
    readonly runningMean: Encoded | null;
    readonly runningVar: Encoded | null;
    readonly numBatchesTracked: Encoded | null;
  }[];
  readonly evalInput: Encoded;
  readonly evalOutput: Encoded;
}

function read<Case>(file: string): readonly Case[] {
  const text = readFileSync(new URL(`../pytorch/${file}`, import.meta.url), "utf8");
  const { cases }: { readonly cases: readonly Case[] } = JSON.parse(text);
  return cases;
}

export function decode({ shape, data }: Encoded): NdArray {
  return new NdArray(Float64Array.from(data), shape);
}

export function normFixtures(norm: string, dtype: Dtype): readonly NormFixture[] {
  return read<NormFixture>("norms.json").filter((fixture) => fixture.norm === norm && fixture.dtype === dtype);
}

export function stateFixtures(prefix: string): readonly StateFixture[] {
  return read<StateFixture>("state.json").filter(({ module }) => module.startsWith(prefix));
}

/** Tensors of a fixture, in its dtype. */
export interface FixtureInputs {
  readonly x: Tensor;
  readonly weight: Tensor | null;
  readonly bias: Tensor | null;
  readonly runningMean: Tensor | null;
  readonly runningVar: Tensor | null;
}

/**
 * How far from the exact values a result may be, in units of the largest of them. float64: the few dozen roundings that
 * the formula takes. float32, which is rounded once from float64: half an ulp, so one ulp of the largest value.
 */
export function allowed(dtype: Dtype, largest: number): number {
  if (dtype === "float64") return 1e-14 * largest;
  return largest === 0 ? 0 : 2 ** (Math.floor(Math.log2(largest)) - 23);
}

/** The largest error is within what is allowed for the largest of the exact values. */
export function expectExact(what: string, actual: NdArray | undefined, expected: Encoded | undefined): void {
  if (actual === undefined || expected === undefined) {
    if (actual !== expected) throw new Error(`${what}: expected it in both or in none`);
    return;
  }
  if (String(actual.shape) !== String(expected.shape)) {
    throw new Error(`${what}: expected shape [${String(expected.shape)}], got [${String(actual.shape)}]`);
  }
  const tolerance = allowed(actual.dtype, Math.max(0, ...expected.data.map(Math.abs)));
  expected.data.forEach((value, i) => {
    const error = Math.abs((actual.data[i] ?? NaN) - value);
    if (!(error <= tolerance)) {
      throw new Error(
        `${what}: expected ${value} at ${i}, got ${actual.data[i]} (error ${error}, allowed ${tolerance})`,
      );
    }
  });
}

/** Output, gradients, and the gradients of ⟨v, gradInput⟩ + ⟨u, gradWeight⟩ + ⟨t, gradBias⟩ are the exact ones. */
export function expectFixture(fixture: NormFixture, op: (inputs: FixtureInputs) => Tensor): void {
  const { name, dtype, inputs: given, double } = fixture;
  const make = (encoded: Encoded | undefined, requiresGrad: boolean): Tensor | null =>
    encoded ? new Tensor(decode(encoded).to(dtype), requiresGrad) : null;
  const x = new Tensor(decode(given.x).to(dtype), true);
  const [weight, bias] = [make(given.weight, true), make(given.bias, true)];
  const [runningMean, runningVar] = [make(given.runningMean, false), make(given.runningVar, false)];
  const gradOutput = new Tensor(decode(fixture.gradOutput).to(dtype), true);

  const output = op({ x, weight, bias, runningMean, runningVar });
  expectExact(`${name}: output`, output.value, fixture.output);

  const expected = [
    { name: "x", leaf: x, gradient: fixture.gradInput, cotangent: double.v, second: double.x },
    { name: "weight", leaf: weight, gradient: fixture.gradWeight, cotangent: double.u, second: double.weight },
    { name: "bias", leaf: bias, gradient: fixture.gradBias, cotangent: double.t, second: undefined },
  ].flatMap((entry) => (entry.leaf ? [{ ...entry, leaf: entry.leaf }] : []));
  const leaves = expected.map(({ leaf }) => leaf);

  const plain = grad(output, leaves, { gradOutput, retainGraph: true });
  const recorded = grad(output, leaves, { gradOutput, createGraph: true });
  expected.forEach((entry, i) => {
    expectExact(`${name}: gradient of ${entry.name}`, plain[i]?.value, entry.gradient);
    expectExact(`${name}: gradient of ${entry.name} with createGraph`, recorded[i]?.value, entry.gradient);
  });

  const along = recorded.flatMap((gradient, i) => {
    const cotangent = make(expected[i]?.cotangent, false);
    return cotangent ? [gradient.mul(cotangent).sum()] : [];
  });
  const total = along.reduce((a, b) => a.add(b));
  const [byGradOutput, ...byLeaves] = grad(total, [gradOutput, ...leaves], { allowUnused: true });
  expectExact(`${name}: second derivative by gradOutput`, byGradOutput?.value, double.gradOutput);
  expected.forEach((entry, i) => {
    if (entry.second === undefined) return;
    const second = byLeaves[i]?.value ?? entry.leaf.value.mul(0);
    expectExact(`${name}: second derivative by ${entry.name}`, second, entry.second);
  });
}

/** A layer as state.json describes one. */
export interface StatefulLayer {
  forward(input: Tensor): Tensor;
  eval(): unknown;
  stateDict(): StateDict;
  loadStateDict(state: StateDict): unknown;
  readonly runningMean: Tensor | null;
  readonly runningVar: Tensor | null;
  readonly numBatchesTracked: Tensor | null;
}

type StatefulOptions = Omit<StateFixture["options"], "numFeatures">;

/** Keys, outputs and running statistics after each step, and the output in evaluation, of all cases of a kind. */
export function expectStateFixtures(
  prefix: string,
  make: (module: string, numFeatures: number, options: StatefulOptions) => StatefulLayer,
): void {
  const fixtures = stateFixtures(prefix);
  if (fixtures.length < 5) throw new Error(`expected some cases of ${prefix}, got ${fixtures.length}`);
  for (const { name, module, options, weight, bias, stateDictKeys, steps, evalInput, evalOutput } of fixtures) {
    const { numFeatures, ...others } = options;
    const layer = make(module, numFeatures, others);
    const keys = Object.keys(layer.stateDict());
    if (String(keys) !== String(stateDictKeys)) throw new Error(`${name}: expected keys ${String(stateDictKeys)}`);
    if (weight && bias) {
      const affine = { weight: new Tensor(decode(weight)), bias: new Tensor(decode(bias)) };
      layer.loadStateDict({ ...layer.stateDict(), ...affine });
    }
    const compare = (what: string, actual: Tensor | null, expected: Encoded | null): void => {
      if (actual && expected) return expectClose(`${name}: ${what}`, actual.value, decode(expected), 1e-13);
      if (actual || expected) throw new Error(`${name}: expected ${what} in both or in none`);
    };
    steps.forEach((step, i) => {
      compare(`output ${i}`, layer.forward(new Tensor(decode(step.x))), step.output);
      compare(`runningMean ${i}`, layer.runningMean, step.runningMean);
      compare(`runningVar ${i}`, layer.runningVar, step.runningVar);
      compare(`numBatchesTracked ${i}`, layer.numBatchesTracked, step.numBatchesTracked);
    });
    layer.eval();
    compare("output in evaluation", layer.forward(new Tensor(decode(evalInput))), evalOutput);
  }
}
