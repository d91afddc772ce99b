/**
 * Plain JavaScript has no types that tell a formula from plain code. So `forward` may be either, and `backward` too: a
 * function is a formula if it answers arrays of a field when it is given arrays of a field.
 */
import { NdArray } from "../autograd/ndarray.ts";
import { FieldArray } from "./fieldArray.ts";
import { real } from "./real.ts";
import { byName, call } from "./answers.ts";
import type { UserFunction } from "./answers.ts";
import type { AnySettings, OpFunctions } from "./subject.ts";

/**
 * The functions under the names of their kinds, as an example shows them to be. Plain code is asked first, on the arrays
 * that it is written for: given others it might keep one for later, or count to a length that is not there.
 */
export function kindsOf<F extends OpFunctions>(
  functions: F,
  names: readonly string[],
  settings: AnySettings,
  inputs: readonly NdArray[],
): F {
  const { forward, plainForward, backward } = functions;
  const plain = (): Readonly<Record<string, unknown>> =>
    byName(
      names,
      inputs.map((input) => input.data.slice()),
    );
  // Frozen: plain code that writes to its arrays must not get through as a formula.
  const fields = byName(
    names,
    inputs.map((input) => Object.freeze(withoutLength(FieldArray.from(real, input)))),
  );
  const numbers = forward && answerOf(forward, plain(), settings);
  const output = forward && answerOf(forward, fields, settings);
  if (forward && !(output instanceof FieldArray)) {
    // What is neither stays where it is, and is refused with its name when it runs.
    return isNumbers(numbers) ? { ...functions, forward: undefined, plainForward: plainForward ?? forward } : functions;
  }
  if (!backward || !(output instanceof FieldArray)) return functions;
  const gradOutput = Float64Array.from(output.toNdArray().data);
  if (isAll(answerOf(backward, gradOutput, plain(), settings), isNumbers)) return functions;
  const answer = answerOf(backward, Object.freeze(output), fields, settings);
  return isAll(answer, (gradient) => gradient instanceof FieldArray)
    ? { ...functions, backward: undefined, formulaBackward: backward }
    : functions;
}

/** Whether gradients, in a list or by name, are all of a kind; some may be left out. */
function isAll(answer: unknown, is: (gradient: unknown) => boolean): boolean {
  if (typeof answer !== "object" || answer === null) return false;
  const gradients = Object.values(answer).filter((gradient) => gradient !== null && gradient !== undefined);
  return gradients.length > 0 && gradients.every(is);
}

/** An array of a formula has a shape. A loop that counts to its length would not end. */
function withoutLength<A extends object>(array: A): A {
  return Object.defineProperty(array, "length", {
    get: () => {
      throw new TypeError("an array of a formula has no length");
    },
  });
}

/** Undefined if it throws: code of one kind cannot work on arrays of the other. */
function answerOf(f: UserFunction, ...args: readonly unknown[]): unknown {
  try {
    return call("forward", f, ...args);
  } catch {
    return undefined;
  }
}

function isNumbers(answer: unknown): boolean {
  return typeof answer === "number" || Array.isArray(answer) || ArrayBuffer.isView(answer);
}
