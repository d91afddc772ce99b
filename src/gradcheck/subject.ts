/**
 * An op as the user gave it, made callable in one way: its functions may be formulas (generic in `Num`), plain functions
 * on typed arrays, or an op on tensors. What they answer is checked here, so that a fault of theirs is named and not met
 * later as a strange number.
 */
import { NdArray } from "../autograd/ndarray.ts";
import type { FloatArray } from "../autograd/ndarray.ts";
import { Num } from "../autograd/num.ts";
import { formatShape, sameShape, sizeOf } from "../autograd/shape.ts";
import type { Shape } from "../autograd/shape.ts";
import { grad, Tensor } from "../autograd/tensor.ts";
import { FieldArray } from "./fieldArray.ts";
import type { GenericBackward, GenericForward } from "./oracle.ts";
import { real } from "./real.ts";

/** The user's functions; their types are in checkOp.ts. */
export interface OpFunctions {
  readonly forward: UserFunction;
  readonly backward?: UserFunction | undefined;
  readonly op?: UserFunction | undefined;
}

export type UserFunction = (...args: never[]) => unknown;

/** Sizes and options of a case, together. */
export type AnySettings = Readonly<Record<string, unknown>>;

/** A function of the user did what no op may do. The message says which one and what. */
export class OpFault extends Error {
  override readonly name = "OpFault";
}

export interface Subject {
  /** The formula, or null where the forward is plain code. */
  readonly forward: GenericForward | null;
  /** The backward as a formula, or null where it is plain code or an op's tape. */
  readonly genericBackward: GenericBackward | null;
  /** The value that the user's own code computes, or null where there is the formula alone. */
  readonly value: (inputs: readonly NdArray[]) => NdArray | null;
  /** ∂⟨gradOutput, f⟩/∂input, by the user's code. */
  readonly gradients: (inputs: readonly NdArray[], gradOutput: NdArray) => readonly NdArray[];
  /** The gradient of ⟨weights, gradients⟩ with respect to the inputs and, last, gradOutput; null for plain code. */
  readonly second:
    ((inputs: readonly NdArray[], gradOutput: NdArray, weights: readonly NdArray[]) => readonly NdArray[]) | null;
}

/** `examples` are inputs of one case: a function is a formula if it answers a FieldArray for FieldArrays. */
export function subjectOf(
  { forward, backward, op }: OpFunctions,
  names: readonly string[],
  settings: AnySettings,
  examples: readonly NdArray[],
): Subject {
  const asFields = examples.map((input) => FieldArray.from(real, input));
  const formula = answersFields(() => call(forward, byName(names, asFields), settings));
  const generic: GenericForward | null = formula
    ? (inputs) => sameReading("forward", call(forward, byName(names, inputs), settings), inputs)
    : null;
  const plainForward = (inputs: readonly NdArray[]): NdArray => {
    const values = onCopies("forward", inputs, (arrays) => call(forward, byName(names, arrays), settings));
    return new NdArray(values, [values.length]);
  };

  if (op !== undefined) {
    const run = (inputs: readonly Tensor[]): Tensor => {
      const answer = call(op, byName(names, inputs), settings);
      if (!(answer instanceof Tensor)) throw new OpFault(`expected op to answer a Tensor, got ${describe(answer)}`);
      return answer;
    };
    return {
      forward: generic,
      genericBackward: null,
      value: (inputs) => run(inputs.map((x) => new Tensor(x))).value,
      ...tape(run),
    };
  }
  if (backward === undefined) throw new OpFault("expected a backward or an op, got neither");

  const example = generic === null ? plainForward(examples) : generic(asFields).toNdArray();
  const genericBackward: GenericBackward | null = answersFields(() =>
    firstOf(call(backward, FieldArray.from(real, example), byName(names, asFields), settings)),
  )
    ? (gradOutput, inputs) =>
        inOrder(names, call(backward, gradOutput, byName(names, inputs), settings)).map((gradient, i) =>
          gradient === null ? null : sameReading(`the gradient of ${names[i]}`, gradient, inputs),
        )
    : null;
  const gradients = (inputs: readonly NdArray[], gradOutput: NdArray): readonly NdArray[] => {
    if (genericBackward !== null) {
      return genericBackward(gradOutput, inputs).map((gradient, i) => inShape(names, i, gradient, inputs));
    }
    let answers: (unknown | null)[] = [];
    onCopies("backward", [gradOutput, ...inputs], ([g, ...arrays]) => {
      answers = inOrder(names, call(backward, g, byName(names, arrays), settings));
      return [];
    });
    return inputs.map((input, i) => {
      const answer = answers[i];
      if (answer === null || answer === undefined) return zeros(input.shape);
      return new NdArray(numbers(`the gradient of ${names[i]}`, answer, input.shape), input.shape).to(input.dtype);
    });
  };
  return {
    forward: generic,
    genericBackward,
    value: generic === null ? plainForward : (): null => null,
    gradients,
    second: null,
  };
}

/** First and second gradients of an op on tensors, from its tape. */
function tape(run: (inputs: readonly Tensor[]) => Tensor): Pick<Subject, "gradients" | "second"> {
  return {
    gradients: (inputs, gradOutput) => {
      const leaves = inputs.map((input) => new Tensor(input, true));
      const output = run(leaves);
      if (!output.requiresGrad) return inputs.map((input) => zeros(input.shape));
      const found = grad(output, leaves, {
        gradOutput: new Tensor(gradOutput.reshape(output.shape)),
        allowUnused: true,
      });
      return found.map((gradient, i) => gradient?.value ?? zeros(inputs[i]?.shape ?? []));
    },
    second: (inputs, gradOutput, weights) => {
      const leaves = inputs.map((input) => new Tensor(input, true));
      const output = run(leaves);
      const g = new Tensor(gradOutput.reshape(output.shape), true);
      const shapes = [...inputs, g].map((array) => array.shape);
      if (!output.requiresGrad) return shapes.map(zeros);
      const first = grad(output, leaves, { gradOutput: g, createGraph: true, allowUnused: true });
      const along = first.flatMap((gradient, i) =>
        gradient ? [gradient.mul(new Tensor(weights[i] ?? gradient.value)).sum()] : [],
      );
      const [head, ...rest] = along;
      const total = head && rest.reduce((a, b) => a.add(b), head);
      if (!total?.requiresGrad) return shapes.map(zeros);
      return grad(total, [...leaves, g], { allowUnused: true }).map(
        (second, i) => second?.value ?? zeros(shapes[i] ?? []),
      );
    },
  };
}

function call(f: UserFunction, ...args: readonly unknown[]): unknown {
  return Reflect.apply(f, undefined, args);
}

function answersFields(run: () => unknown): boolean {
  try {
    return run() instanceof FieldArray;
  } catch {
    return false; // plain code cannot work on arrays of another kind: that is the sign we look for
  }
}

function firstOf(answer: unknown): unknown {
  if (typeof answer !== "object" || answer === null) return answer;
  return Object.values(answer).find((gradient) => gradient !== null && gradient !== undefined);
}

function sameReading<A extends Num<A>>(what: string, answer: unknown, inputs: readonly A[]): A {
  const isReading = (array: unknown): array is A =>
    array instanceof Num && array.constructor === inputs[0]?.constructor;
  if (!isReading(answer))
    throw new OpFault(`expected ${what} as an array of the inputs' kind, got ${describe(answer)}`);
  return answer;
}

/** Gives a function copies, and notices if it writes to them. */
function onCopies(
  what: string,
  arrays: readonly NdArray[],
  run: (copies: readonly FloatArray[]) => unknown,
): Float64Array {
  const copies = arrays.map((array) => array.data.slice());
  const answer = run(copies);
  const changed = arrays.findIndex((array, i) =>
    array.data.some((value: number, cell: number) => !Object.is(value, copies[i]?.[cell])),
  );
  if (changed >= 0) throw new OpFault(`expected ${what} to leave its inputs as they are, it wrote to array ${changed}`);
  return numbers(`the result of ${what}`, answer, null);
}

function numbers(what: string, answer: unknown, shape: Shape | null): Float64Array {
  const values = typeof answer === "number" ? [answer] : answer;
  if (!(Array.isArray(values) || values instanceof Float64Array || values instanceof Float32Array)) {
    throw new OpFault(`expected ${what} as an array of numbers, got ${describe(answer)}`);
  }
  if (shape !== null && values.length !== sizeOf(shape)) {
    throw new OpFault(
      `expected ${what} with ${sizeOf(shape)} values for shape ${formatShape(shape)}, got ${values.length}`,
    );
  }
  return Float64Array.from(values, Number);
}

function inShape(names: readonly string[], i: number, gradient: NdArray | null, inputs: readonly NdArray[]): NdArray {
  const shape = inputs[i]?.shape ?? [];
  if (gradient !== null && !sameShape(gradient.shape, shape)) {
    throw new OpFault(
      `expected the gradient of ${names[i]} of shape ${formatShape(shape)}, got ${formatShape(gradient.shape)}`,
    );
  }
  return gradient ?? zeros(shape);
}

/** Gradients as a list in the order of the inputs, whether they were answered as a list or by name. */
function inOrder(names: readonly string[], answer: unknown): (unknown | null)[] {
  if (typeof answer !== "object" || answer === null || ArrayBuffer.isView(answer)) {
    throw new OpFault(`expected backward to answer the gradients of ${names.join(", ")}, got ${describe(answer)}`);
  }
  if (Array.isArray(answer)) {
    if (answer.length !== names.length) {
      throw new OpFault(`expected ${names.length} gradients (${names.join(", ")}) from backward, got ${answer.length}`);
    }
    return answer.map((gradient: unknown) => gradient ?? null);
  }
  const given = new Map<string, unknown>(Object.entries(answer));
  const unknown = [...given.keys()].find((name) => !names.includes(name));
  if (unknown !== undefined) {
    throw new OpFault(`expected backward to answer the gradients of ${names.join(", ")}, got one of "${unknown}"`);
  }
  return names.map((name) => given.get(name) ?? null);
}

function byName<T>(names: readonly string[], arrays: readonly T[]): Readonly<Record<string, T | undefined>> {
  return Object.fromEntries(names.map((name, i) => [name, arrays[i]]));
}

function zeros(shape: Shape): NdArray {
  return NdArray.full(shape, 0, "float64");
}

function describe(answer: unknown): string {
  if (answer instanceof Num) return `${answer.constructor.name} of shape ${formatShape(answer.shape)}`;
  if (typeof answer === "object" && answer !== null) return answer.constructor.name;
  return `${typeof answer} ${String(answer)}`;
}
