/** One row of the table of wrong calls, and what the tests read off it. */
import { LRScheduler, Module, Optimizer, Tensor } from "../../src/index.ts";

export interface WrongCall {
  /** The call as a user writes it. */
  readonly call: string;
  /** The same, to run. */
  readonly run: () => unknown;
  /** TypeError for the wrong kind, RangeError for the wrong size, Error for the wrong state. */
  readonly kind: new (message: string) => Error;
  readonly message: string;
  /** The function that the message names, where it is one that the call only leads to. */
  readonly by?: string;
}

export interface WrongCalls {
  /** What the calls could change, but must not. */
  readonly fixtures: Readonly<Record<string, unknown>>;
  readonly rows: readonly WrongCall[];
}

/** The error of a call; null if there is none. */
export function errorOf(run: () => unknown): Error | null {
  try {
    run();
  } catch (error) {
    return error instanceof Error ? error : new Error(`thrown: ${String(error)}`);
  }
  return null;
}

/** What there is to change of a tensor, a module, an optimizer or a schedule, as plain values. */
export function stateOf(value: unknown): unknown {
  if (value instanceof Module) {
    const tensors = [...value.namedParameters(), ...value.namedBuffers()];
    return { training: value.training, tensors: tensors.map(([name, tensor]) => [name, stateOf(tensor)]) };
  }
  if (value instanceof Optimizer || value instanceof LRScheduler) return stateOf(value.stateDict());
  if (value instanceof Tensor) {
    const { data, shape, dtype, requiresGrad, grad, record } = value;
    return { data: Array.from(data), shape, dtype, requiresGrad, grad: stateOf(grad), consumed: record?.consumed };
  }
  if (typeof value !== "object" || value === null) return value;
  return Object.entries(value).map(([name, entry]) => [name, stateOf(entry)]);
}
