/** What a user's function answers, taken for what it should be, or refused by name. */
import { describeValue } from "../autograd/format.ts";
import { NdArray } from "../autograd/ndarray.ts";
import type { FloatArray } from "../autograd/ndarray.ts";
import { Num } from "../autograd/num.ts";
import { formatShape, sameShape, sizeOf } from "../autograd/shape.ts";
import type { Shape } from "../autograd/shape.ts";
import { Tensor } from "../autograd/tensor.ts";

export type UserFunction = (...args: never[]) => unknown;

/** A function of the user did what no op may do. The message says which one and what. */
export class OpFault extends Error {
  override readonly name = "OpFault";
}

/** What it throws is told with its name: a formula that is plain code, or the other way round, is found by it. */
export function call(what: string, f: UserFunction, ...args: readonly unknown[]): unknown {
  let answer: unknown;
  try {
    answer = Reflect.apply(f, undefined, args);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const hint = HINTS[what] ?? "";
    const isMixedUp = error instanceof TypeError && /not a function|not iterable/.test(message);
    throw new OpFault(`expected ${what} to answer, it threw "${message}"${isMixedUp ? hint : ""}`, { cause: error });
  }
  if (answer instanceof Promise) {
    answer.catch(() => {}); // nobody waits for it
    throw new OpFault(`expected ${what} to answer at once, got a Promise: async functions cannot be checked`);
  }
  return answer;
}

const HINTS: Readonly<Record<string, string>> = {
  plainForward: " (a formula is a forward)",
  formulaBackward: " (plain code on typed arrays is a backward)",
};

export function sameReading<A extends Num<A>>(what: string, answer: unknown, inputs: readonly A[]): A {
  const isReading = (array: unknown): array is A =>
    array instanceof Num && array.constructor === inputs[0]?.constructor;
  if (!isReading(answer))
    throw new OpFault(`expected ${what} as an array of the inputs' kind, got ${describe(answer)}`);
  return answer;
}

/** Gives a function copies, and notices if it writes to them. */
export function onCopies<T>(
  what: string,
  names: readonly string[],
  arrays: readonly NdArray[],
  run: (copies: readonly FloatArray[]) => T,
): T {
  const copies = arrays.map((array) => array.data.slice());
  const answer = run(copies);
  checkUnchanged(
    what,
    names,
    copies,
    arrays.map((array) => array.data),
  );
  return answer;
}

export function checkUnchanged(
  what: string,
  names: readonly string[],
  after: readonly FloatArray[],
  before: readonly FloatArray[],
): void {
  const cells = after.map((array, i) => firstChange(array, before[i] ?? []));
  const k = cells.findIndex((cell) => cell >= 0);
  if (k < 0) return;
  const cell = cells[k] ?? 0;
  throw new OpFault(
    `expected ${what} to leave its inputs as they are, got ${names[k]}[${cell}] changed from ${before[k]?.[cell]} to ${after[k]?.[cell]}`,
  );
}

/** The first index at which two arrays differ, −1 if none. A loop, for differences call a forward many thousand times. */
function firstChange(after: ArrayLike<number>, before: ArrayLike<number>): number {
  for (let i = 0; i < after.length; i++) if (!Object.is(after[i], before[i])) return i;
  return -1;
}

export function copyOf(array: NdArray): NdArray {
  return new NdArray(array.data.slice(), array.shape);
}

export function numbers(what: string, answer: unknown, shape: Shape | null): Float64Array {
  const values: unknown = typeof answer === "number" ? [answer] : answer;
  if (!(Array.isArray(values) || values instanceof Float64Array || values instanceof Float32Array)) {
    throw new OpFault(
      `expected ${what} as a Float64Array, a Float32Array or an array of numbers, got ${describe(answer)}`,
    );
  }
  const given: Float64Array | Float32Array | readonly unknown[] = values;
  const odd = Array.isArray(given) ? given.findIndex((value) => typeof value !== "number") : -1;
  if (odd >= 0) throw new OpFault(`expected ${what} as numbers, got ${describe(given[odd])} at index ${odd}`);
  if (shape !== null && given.length !== sizeOf(shape)) {
    throw new OpFault(
      `expected ${what} with ${sizeOf(shape)} values for shape ${formatShape(shape)}, got ${given.length}`,
    );
  }
  return ArrayBuffer.isView(given) ? new Float64Array(given) : Float64Array.from(given, Number);
}

export function inShape(
  names: readonly string[],
  i: number,
  gradient: NdArray | null,
  inputs: readonly NdArray[],
): NdArray {
  const shape = inputs[i]?.shape ?? [];
  if (gradient !== null && !sameShape(gradient.shape, shape)) {
    throw new OpFault(
      `expected the gradient of ${names[i]} of shape ${formatShape(shape)}, got ${formatShape(gradient.shape)}`,
    );
  }
  return gradient ?? zeros(shape);
}

/** Gradients as a list in the order of the inputs, whether they were answered as a list or by name. */
export function inOrder(names: readonly string[], answer: unknown): (unknown | null)[] {
  if (typeof answer !== "object" || answer === null || ArrayBuffer.isView(answer) || isOther(answer)) {
    throw new OpFault(`expected the backward to answer the gradients of ${names.join(", ")}, got ${describe(answer)}`);
  }
  if (Array.isArray(answer)) {
    if (answer.length !== names.length) {
      throw new OpFault(
        `expected ${names.length} gradients (${names.join(", ")}) from the backward, got ${answer.length}`,
      );
    }
    return answer.map((gradient: unknown) => gradient ?? null);
  }
  const given = new Map<string, unknown>(Object.entries(answer));
  const unknown = [...given.keys()].find((name) => !names.includes(name));
  if (unknown !== undefined) {
    throw new OpFault(`expected the backward to answer the gradients of ${names.join(", ")}, got one of "${unknown}"`);
  }
  return names.map((name) => given.get(name) ?? null);
}

export function byName<T>(names: readonly string[], arrays: readonly T[]): Readonly<Record<string, T | undefined>> {
  return Object.fromEntries(names.map((name, i) => [name, arrays[i]]));
}

export function zeros(shape: Shape): NdArray {
  return NdArray.full(shape, 0, "float64");
}

/** An object that is no plain one: a Map, an array of a formula, a Tensor. */
function isOther(answer: object): boolean {
  return answer instanceof Map || answer instanceof Set || answer instanceof Num || answer instanceof Tensor;
}

export function describe(answer: unknown): string {
  if (answer instanceof Num) return `${answer.constructor.name} of shape ${formatShape(answer.shape)}`;
  return describeValue(answer);
}
