/**
 * An op as the user gave it, made callable in one way: its functions may be formulas (generic in `Num`), plain functions
 * on typed arrays, or an op on tensors. What they answer is checked here, so that a fault of theirs is named and not met
 * later as a strange number.
 */
import { getDefaultDtype, setDefaultDtype } from "../autograd/creation.ts";
import { NdArray } from "../autograd/ndarray.ts";
import { formatShape, sizeOf } from "../autograd/shape.ts";
import { grad, Tensor } from "../autograd/tensor.ts";
import {
  byName,
  call,
  checkUnchanged,
  copyOf,
  describe,
  inOrder,
  inShape,
  numbers,
  onCopies,
  OpFault,
  sameReading,
  zeros,
} from "./answers.ts";
import type { UserFunction } from "./answers.ts";
import type { GenericBackward, GenericForward } from "./oracle.ts";

/** The user's functions, one forward and one backward; their types are in checkOp.ts. */
export interface OpFunctions {
  readonly forward?: UserFunction | undefined;
  readonly plainForward?: UserFunction | undefined;
  readonly backward?: UserFunction | undefined;
  readonly formulaBackward?: UserFunction | undefined;
  readonly op?: UserFunction | undefined;
}

/** Sizes and options of a case, together. */
export type AnySettings = Readonly<Record<string, unknown>>;

export interface Subject {
  /** The formula, or null where the forward is plain code. */
  readonly forward: GenericForward | null;
  /** The backward as a formula, or null where it is plain code or an op's tape. */
  readonly genericBackward: GenericBackward | null;
  /** The value that the user's own code computes, or null where there is the formula alone. */
  readonly value: (inputs: readonly NdArray[]) => NdArray | null;
  /** ∂⟨gradOutput, f⟩/∂input, by the user's code. */
  readonly gradients: (inputs: readonly NdArray[], gradOutput: NdArray) => readonly NdArray[];
  /** Whether the op's result depends on its inputs as far as its tape knows; null for plain code. */
  readonly hasGraph: ((inputs: readonly NdArray[]) => boolean) | null;
  /** The gradient of ⟨weights, gradients⟩ with respect to the inputs and, last, gradOutput; null for plain code. */
  readonly second:
    ((inputs: readonly NdArray[], gradOutput: NdArray, weights: readonly NdArray[]) => readonly NdArray[]) | null;
}

export function subjectOf(functions: OpFunctions, names: readonly string[], settings: AnySettings): Subject {
  const { forward, plainForward, backward, formulaBackward, op } = functions;
  const generic: GenericForward | null = forward
    ? (inputs) => sameReading("forward", call("forward", forward, byName(names, inputs), settings), inputs)
    : null;
  const plainValue = (inputs: readonly NdArray[]): NdArray | null => {
    if (!plainForward) return null;
    const answer = onCopies("plainForward", names, inputs, (arrays) =>
      call("plainForward", plainForward, byName(names, arrays), settings),
    );
    const values = numbers("the result of plainForward", answer, null);
    return new NdArray(values, [values.length]);
  };

  if (op) {
    const run = (inputs: readonly Tensor[]): Tensor => {
      const before = inputs.map((x) => x.value.data.slice());
      const dtype = getDefaultDtype();
      const answer = call("op", op, byName(names, inputs), settings);
      if (getDefaultDtype() !== dtype) {
        const changed = getDefaultDtype();
        setDefaultDtype(dtype);
        throw new OpFault(`expected op to leave the default dtype ${dtype}, got it set to ${changed}`);
      }
      if (!(answer instanceof Tensor)) throw new OpFault(`expected op to answer a Tensor, got ${describe(answer)}`);
      checkUnchanged(
        "op",
        names,
        inputs.map((x) => x.value.data),
        before,
      );
      return answer;
    };
    const value = (inputs: readonly NdArray[]): NdArray => run(inputs.map((x) => new Tensor(copyOf(x)))).value;
    return { forward: generic, genericBackward: null, value: plainForward ? plainValue : value, ...tape(run) };
  }
  const genericBackward: GenericBackward | null = formulaBackward
    ? (gradOutput, inputs) => {
        const answer = call("formulaBackward", formulaBackward, gradOutput, byName(names, inputs), settings);
        return inOrder(names, answer).map((gradient, i) =>
          gradient === null ? null : sameReading(`the gradient of ${names[i]}`, gradient, inputs),
        );
      }
    : null;
  const gradients = (inputs: readonly NdArray[], gradOutput: NdArray): readonly NdArray[] => {
    const g = gradOutput.to(inputs[0]?.dtype ?? gradOutput.dtype);
    if (genericBackward !== null) {
      return genericBackward(g, inputs).map((gradient, i) => inShape(names, i, gradient, inputs));
    }
    const answer = onCopies("backward", [...names, "gradOutput"], [...inputs, g], (arrays) =>
      backward ? call("backward", backward, arrays.at(-1), byName(names, arrays), settings) : {},
    );
    const answers = inOrder(names, answer);
    return inputs.map((input, i) => {
      const gradient = answers[i] ?? null;
      if (gradient === null) return zeros(input.shape);
      return new NdArray(numbers(`the gradient of ${names[i]}`, gradient, input.shape), input.shape).to(input.dtype);
    });
  };
  // A formula runs on tensors as well, and writes the tape of its own derivative.
  const second = genericBackward && ofTape(genericBackward);
  return { forward: generic, genericBackward, value: plainValue, gradients, hasGraph: null, second };
}

/** First and second gradients of an op on tensors, from its tape. */
function tape(run: (inputs: readonly Tensor[]) => Tensor): Pick<Subject, "gradients" | "hasGraph" | "second"> {
  return {
    hasGraph: (inputs) => run(inputs.map((input) => new Tensor(copyOf(input), true))).requiresGrad,
    gradients: (inputs, upstream) => {
      const gradOutput = upstream.to(inputs[0]?.dtype ?? upstream.dtype);
      const leaves = inputs.map((input) => new Tensor(copyOf(input), true));
      const output = run(leaves);
      if (sizeOf(output.shape) !== gradOutput.data.length) {
        const [values, got] = [gradOutput.data.length, formatShape(output.shape)];
        throw new OpFault(`expected op to answer ${values} values, as the forward does, got shape ${got}`);
      }
      if (!output.requiresGrad) return inputs.map((input) => zeros(input.shape));
      const found = grad(output, leaves, {
        gradOutput: new Tensor(gradOutput.reshape(output.shape)),
        allowUnused: true,
      });
      return found.map((gradient, i) => gradient?.value ?? zeros(inputs[i]?.shape ?? []));
    },
    second: ofTape((gradOutput, leaves) => {
      const output = run(leaves);
      if (!output.requiresGrad) return leaves.map(() => null);
      return grad(output, leaves, {
        gradOutput: gradOutput.reshape(output.shape),
        createGraph: true,
        allowUnused: true,
      });
    }),
  };
}

/** The gradient of ⟨weights, gradients⟩, where the gradients are on the tape. */
function ofTape(
  gradients: (gradOutput: Tensor, leaves: readonly Tensor[]) => readonly (Tensor | null)[],
): NonNullable<Subject["second"]> {
  return (inputs, gradOutput, weights) => {
    const leaves = [...inputs, gradOutput].map((array) => new Tensor(copyOf(array), true));
    const [g, ...rest] = leaves.toReversed();
    const first = g ? gradients(g, rest.toReversed()) : [];
    const along = first.flatMap((gradient, i) =>
      gradient ? [gradient.mul(new Tensor(weights[i] ?? gradient.value)).sum()] : [],
    );
    const [head, ...others] = along;
    const total = head && others.reduce((a, b) => a.add(b), head);
    if (!total?.requiresGrad) return leaves.map(({ shape }) => zeros(shape));
    return grad(total, leaves, { allowUnused: true }).map((found, i) => found?.value ?? zeros(leaves[i]?.shape ?? []));
  };
}
