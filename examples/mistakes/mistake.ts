/** What an entry of the list is made of: code as people write it, the right code, and one check that both are put to. */
import { tensor } from "normgrad";
import type { Tensor } from "normgrad";
import { OpFault } from "normgrad/gradcheck";
import type { CheckOpResult } from "normgrad/gradcheck";

export interface Mistake {
  readonly title: string;
  /** In this folder: where the code is. */
  readonly file: string;
  /** What is written or said. */
  readonly claim: string;
  /** What is right, and in this library. */
  readonly instead: string;
  /** Where it was found: a repository, an issue, or that it is common in tutorials. */
  readonly source: string;
  readonly examples: readonly Example[];
}

export interface Example {
  /** What the numbers are. */
  readonly shown: string;
  /** What both are put to. */
  readonly checkedBy: string;
  readonly wrong: Attempt;
  readonly right: Attempt;
}

export interface Attempt {
  /** The numbers that it gives. */
  readonly values: () => readonly number[];
  /** What the check says against it; null if it passes. */
  readonly verdict: () => string | null;
}

/** Both codes have one type, so that nothing but the mistake differs. */
export function example<Code>({
  shown,
  checkedBy,
  show,
  check,
  wrong,
  right,
}: {
  readonly shown: string;
  readonly checkedBy: string;
  readonly show: (code: Code) => readonly number[];
  readonly check: (code: Code) => string | null;
  readonly wrong: Code;
  readonly right: Code;
}): Example {
  const attempt = (code: Code): Attempt => ({ values: () => show(code), verdict: () => check(code) });
  return { shown, checkedBy, wrong: attempt(wrong), right: attempt(right) };
}

/** The column that the numbers are of. */
export const numbers: readonly number[] = [1, 2, 3, 4];
export const EPS = 1e-5;

/** The column as a batch of four samples with one feature each, [4, 1]. */
export function column(offset = 0): Tensor {
  return tensor(numbers.map((value) => [value + offset]));
}

/** What checkOp says first of an op that is wrong; null if it is right. */
export function checked(run: () => CheckOpResult): string | null {
  try {
    const { failure } = run();
    if (failure === null) return null;
    const [{ fault, evidence } = { fault: "unknown", evidence: "" }] = failure.diagnosis;
    return `${failure.mismatch.array} is wrong. ${fault}: ${evidence}`;
  } catch (error) {
    if (error instanceof OpFault) return error.message; // not even the shape is right
    throw error;
  }
}

/** What speaks against numbers that are to be those of the library; null if nothing does. */
export function compared(
  what: string,
  actual: ArrayLike<number>,
  by: string,
  expected: ArrayLike<number>,
): string | null {
  const cell = Array.from(expected).findIndex((value, i) => !(Math.abs(value - (actual[i] ?? NaN)) <= 1e-9));
  if (cell < 0) return null;
  return `${what}: ${short(actual[cell])}, ${by} has ${short(expected[cell])}`;
}

/** Seven digits. */
export function short(value: number | undefined): string {
  return String(Number((value ?? NaN).toPrecision(8)));
}
