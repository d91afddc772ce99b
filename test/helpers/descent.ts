/** Histories of gradients for optimizers, and the law that an optimizer follows an oracle through them. */
import fc from "fast-check";
import { NdArray, Parameter, Tensor } from "../../src/autograd/index.ts";
import { arrayOf, shapes } from "./generators.ts";
import { expectClose } from "./laws.ts";

/** What the laws need of an optimizer. */
export interface Stepper {
  step(): void;
}

/** One parameter's way: its first value, and a gradient for each step, or null where it has none. */
export interface History {
  readonly initial: NdArray;
  readonly gradients: readonly (NdArray | null)[];
}

/** Two or three parameters of different shapes through one to six steps; a gradient is missing now and then. */
export const histories: fc.Arbitrary<History[]> = fc
  .record({
    steps: fc.integer({ min: 1, max: 6 }),
    sizes: fc.array(shapes({ minDims: 0, maxDims: 2, maxSize: 3 }), { minLength: 2, maxLength: 3 }),
  })
  .chain(({ steps, sizes }) =>
    fc.tuple(
      ...sizes.map((shape) =>
        fc.record({
          initial: arrayOf(shape),
          gradients: fc.array(fc.option(arrayOf(shape), { freq: 5 }), { minLength: steps, maxLength: steps }),
        }),
      ),
    ),
  );

/** Runs an optimizer through the histories and answers the parameters at the end. */
export function descend(
  start: (parameters: readonly Parameter[]) => Stepper,
  all: readonly History[],
  parameters: readonly Parameter[] = all.map(({ initial }) => new Parameter(new Tensor(initial))),
): readonly Parameter[] {
  const optimizer = start(parameters);
  all[0]?.gradients.forEach((_, step) => {
    parameters.forEach((parameter, i) => {
      const gradient = all[i]?.gradients[step] ?? null;
      parameter.grad = gradient && new Tensor(gradient);
    });
    optimizer.step();
  });
  return parameters;
}

/** An oracle's answer for one number: from its first value and the gradients that it had, in order. */
export type ScalarOracle = (initial: number, gradients: readonly number[]) => number;

/**
 * Every number of every parameter ends where the oracle says. The tolerance is that of rounding, a few operations a step
 * for six steps: 1e-13 of the scale.
 */
export function expectFollows(
  start: (parameters: readonly Parameter[]) => Stepper,
  all: readonly History[],
  oracle: ScalarOracle,
): void {
  descend(start, all).forEach((parameter, i) => {
    const history = all[i];
    if (history === undefined) throw new Error("expected a history for every parameter");
    const had = history.gradients.filter((gradient) => gradient !== null);
    const expected = history.initial.data.map((value, cell) =>
      oracle(
        value,
        had.map((gradient) => gradient.data[cell] ?? NaN),
      ),
    );
    expectClose("parameter", parameter.value, new NdArray(expected, history.initial.shape), 1e-13);
  });
}

/** What the broken law says. */
export const NOT_FOLLOWED: RegExp = /parameter: expected/;
