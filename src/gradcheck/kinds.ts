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

/** The functions under the names of their kinds, as an example shows them to be. */
export function kindsOf<F extends OpFunctions>(
  functions: F,
  names: readonly string[],
  settings: AnySettings,
  inputs: readonly NdArray[],
): F {
  const { forward, plainForward, backward } = functions;
  const fields = byName(
    names,
    // Frozen: plain code that writes to its arrays must not get through as a formula.
    inputs.map((input) => Object.freeze(FieldArray.from(real, input))),
  );
  const output = forward && answerOf(forward, fields, settings);
  if (forward && !(output instanceof FieldArray)) {
    const plain = byName(
      names,
      inputs.map((input) => input.data.slice()),
    );
    // What is neither stays where it is, and is refused with its name when it runs.
    return isNumbers(answerOf(forward, plain, settings))
      ? { ...functions, forward: undefined, plainForward: plainForward ?? forward }
      : functions;
  }
  if (!backward || !(output instanceof FieldArray)) return functions;
  const answer = answerOf(backward, Object.freeze(output), fields, settings);
  const gradients: unknown[] = typeof answer === "object" && answer !== null ? Object.values(answer) : [];
  // Plain code may answer what it was given, as a formula may: then it does not matter.
  const given = new Set<unknown>([output, ...Object.values(fields)]);
  return gradients.some((gradient) => gradient instanceof FieldArray && !given.has(gradient))
    ? { ...functions, backward: undefined, formulaBackward: backward }
    : functions;
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
