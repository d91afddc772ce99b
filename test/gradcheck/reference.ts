/** reference.json: what reference.py has computed in 120 digits. */
import { readFileSync } from "node:fs";
import type { NormCase } from "../../src/norms/index.ts";
import { normDescriptors } from "../../src/norms/index.ts";
import { NdArray } from "../../src/autograd/index.ts";
import type { DoubleDouble } from "../../src/gradcheck/doubleDouble.ts";
import { given } from "../helpers/given.ts";
import { dyadic, plus } from "./dyadic.ts";
import type { Dyadic } from "./dyadic.ts";

export type FunctionName = "exp" | "log" | "tanh" | "erf";
export const FUNCTIONS: readonly FunctionName[] = ["exp", "log", "tanh", "erf"];

interface NormRow {
  readonly norm: string;
  readonly label: string;
  readonly shape: string;
  readonly mean: string;
  readonly eps: string;
  readonly x: string;
  readonly weight: string;
  readonly bias: string;
  readonly gradOutput: string;
  readonly gradInput: string;
  readonly gradWeight: string;
  readonly gradBias: string;
}

const text = readFileSync(new URL("reference.json", import.meta.url), "utf8");
const document: {
  readonly functions: Readonly<Record<FunctionName, readonly string[]>>;
  readonly norms: readonly NormRow[];
} = JSON.parse(text);

function numbers(row: string): number[] {
  return row.split(" ").map(Number);
}

/** A function's value to 150 bits. */
export interface FunctionValue {
  readonly x: DoubleDouble;
  readonly expected: Dyadic;
}

export function functionValues(name: FunctionName): readonly FunctionValue[] {
  return document.functions[name].map((row) => {
    const [hi = NaN, lo = NaN, ...parts] = numbers(row);
    return { x: { hi, lo }, expected: parts.map(dyadic).reduce(plus) };
  });
}

/** A norm's gradients, correctly rounded. */
export interface NormGradients {
  readonly name: string;
  readonly normCase: NormCase;
  readonly inputs: readonly NdArray[];
  readonly gradOutput: NdArray;
  readonly gradients: readonly NdArray[];
}

export function normGradients(): readonly NormGradients[] {
  return document.norms.map((row) => {
    const shape = numbers(row.shape);
    const cases = given(normDescriptors.find(({ name }) => name === row.norm)).cases(shape, Number(row.eps));
    const normCase = given(cases.find(({ label }) => label === row.label));
    const arrays = (rows: readonly string[]): NdArray[] =>
      rows.map((data, i) => new NdArray(Float64Array.from(numbers(data)), given(normCase.inputs[i]).shape));
    return {
      name: `${row.norm} of [${shape.join(", ")}], ${row.label}, mean ${row.mean}`,
      normCase,
      inputs: arrays([row.x, row.weight, row.bias]),
      gradOutput: new NdArray(Float64Array.from(numbers(row.gradOutput)), shape),
      gradients: arrays([row.gradInput, row.gradWeight, row.gradBias]),
    };
  });
}
