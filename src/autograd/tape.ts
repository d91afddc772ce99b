/**
 * The tape: linked records with increasing ids.
 *
 * A tensor that an op made holds one record. The tape of a loss is the set of records that can be reached from it,
 * sorted by id; inputs exist before outputs, so this order is topological, without recursion and without a global list.
 */
import { runSynchronously } from "./checks.ts";
import type { NdArray } from "./ndarray.ts";
import type { Num } from "./num.ts";
import { formatShape, sameShape } from "./shape.ts";
import type { Shape } from "./shape.ts";

/** What a rule answers; `aux` carries new state (batch statistics) out, once. */
export interface Traced<A, G extends readonly (A | null)[] = readonly (A | null)[]> {
  readonly output: A;
  readonly pullback: (gradOutput: A) => G;
  readonly aux?: readonly A[];
}

/** The inputs of an op as a reading sees them: an optional one stays optional. */
export type Lift<Args extends readonly unknown[], A> = { [K in keyof Args]: null extends Args[K] ? A | null : A };
/** One gradient per input, in input order; null where there is none to give. */
export type Grads<Args extends readonly unknown[], A> = { readonly [K in keyof Args]: A | null };
/** Pure, and generic in the reading: it may run again. The tuple types make a missing gradient a compile error. */
export type Rule<Args extends readonly unknown[]> = <A extends Num<A>>(
  ...inputs: Lift<Args, A>
) => Traced<A, Grads<Args, A>>;
/** A rule at A = NdArray: the same signature, typed loops. */
export type Kernel<Args extends readonly unknown[]> = (
  ...inputs: Lift<Args, NdArray>
) => Traced<NdArray, Grads<Args, NdArray>>;

export type Pullback<A> = (gradOutput: A) => readonly (A | null)[];
export type Attributes = Readonly<Record<string, unknown>>;

/** What the tape needs to know of a tensor. */
export interface Taped<T extends Taped<T>> {
  readonly shape: Shape;
  readonly requiresGrad: boolean;
  readonly record: TapeRecord<T> | null;
}

let nextId = 1;

const NOTHING: readonly never[] = [];

/** One step of the tape: which op made a tensor, from which inputs, and how a gradient flows back through it. */
export class TapeRecord<T extends Taped<T>> {
  readonly id: number = nextId++;
  readonly name: string;
  readonly shape: Shape;
  readonly attributes: Attributes;
  /** Empty once the record is consumed: a kept loss must not keep the activations of its step alive. */
  inputs: readonly (T | null)[];
  /** Which inputs asked for a gradient when this was written: one that is thawed later has no part in it. */
  readonly needs: readonly boolean[];
  /** The pullback on plain numbers. */
  pullback: Pullback<NdArray> | null;
  /** Runs the rule again, on the input tensors, and answers the pullback that writes a tape itself. */
  replay: (() => Pullback<T>) | null;
  /** Which walk over a tape has come by last: a mark costs less than a set of all records. */
  walk = 0;
  /** The output tensor, if it asked with `retainGrad()` to receive its gradient. */
  retained: T | null = null;

  constructor(
    name: string,
    shape: Shape,
    inputs: readonly (T | null)[],
    attributes: Attributes,
    pullback: Pullback<NdArray>,
    replay: () => Pullback<T>,
  ) {
    this.name = name;
    this.shape = shape;
    this.inputs = inputs;
    this.needs = inputs.map((input) => input?.requiresGrad ?? false);
    this.attributes = attributes;
    this.pullback = pullback;
    this.replay = replay;
  }

  get consumed(): boolean {
    return this.pullback === null;
  }

  consume(): void {
    this.inputs = NOTHING;
    this.pullback = null;
    this.replay = null;
    this.retained = null;
  }
}

let walks = 0;

/**
 * The records that `root` depends on, in the order in which they were written; none for a leaf.
 *
 * @example
 * const x = tensor([1, 2], { requiresGrad: true });
 * tapeOf(x.mul(3).sum()).map(({ name }) => name); // ["mul", "sum"]
 */
export function tapeOf<T extends Taped<T>>(root: T): readonly TapeRecord<T>[] {
  const walk = ++walks;
  const found: TapeRecord<T>[] = [];
  const visit = (record: TapeRecord<T> | null): void => {
    if (record === null || record.walk === walk) return;
    record.walk = walk;
    found.push(record);
  };
  visit(root.record);
  for (const record of found) for (const input of record.inputs) if (input !== null) visit(input.record); // found grows
  return found.toSorted((a, b) => a.id - b.id);
}

/** What a gradient belongs to: the record of a computed tensor, or the leaf itself. */
export type Source<T extends Taped<T>> = T | TapeRecord<T>;

export function sourceOf<T extends Taped<T>>(tensor: T): Source<T> {
  return tensor.record ?? tensor;
}

export interface SweepOptions<T extends Taped<T>, G> {
  /** The function that errors name. */
  readonly caller: string;
  /** The pullback to use for a record: on numbers, or replayed on tensors. Null for a consumed one. */
  readonly pullbackOf: (record: TapeRecord<T>) => Pullback<G> | null;
  /** Computed tensors whose gradients are asked for; the gradients of leaves are always answered. */
  readonly keep: (record: TapeRecord<T>) => boolean;
  /** Called after each record, with the gradient of its output and those of its inputs. */
  readonly onRecord?: ((record: TapeRecord<T>, gradOutput: G, gradInputs: readonly (G | null)[]) => void) | undefined;
}

/**
 * Walks the tape of `root` from its end, and adds up gradients. Changes nothing: `.grad` and the records are the caller's.
 *
 * @throws Error if a record was consumed by an earlier sweep; before any pullback has run
 */
export function sweep<T extends Taped<T>, G extends Num<G>>(
  root: T,
  tape: readonly TapeRecord<T>[],
  gradRoot: G,
  { caller, pullbackOf, keep, onRecord }: SweepOptions<T, G>,
): Map<Source<T>, G> {
  for (const record of tape) if (record.consumed) throw consumedError(caller, record);
  const gradients = new Map<Source<T>, G>();
  gradients.set(sourceOf(root), gradRoot);
  for (const record of tape.toReversed()) {
    const gradOutput = gradients.get(record);
    if (gradOutput === undefined) continue;
    const pullback = pullbackOf(record);
    if (pullback === null) throw consumedError(caller, record); // by a backward that `onRecord` has started
    const gradInputs = pullback(gradOutput);
    checkGradients(caller, record, gradInputs);
    for (let i = 0; i < gradInputs.length; i++) {
      const input = record.inputs[i];
      const gradient = gradInputs[i];
      if (!record.needs[i] || !input?.requiresGrad || !gradient) continue;
      const source = sourceOf(input);
      const before = gradients.get(source);
      gradients.set(source, before === undefined ? gradient : before.add(gradient));
    }
    onRecord?.(record, gradOutput, gradInputs);
    if (!keep(record)) gradients.delete(record);
  }
  return gradients;
}

function consumedError<T extends Taped<T>>(caller: string, { name, shape }: TapeRecord<T>): Error {
  return new Error(
    `${caller}: expected a tape that no earlier backward has consumed, got ${name} : ${formatShape(shape)} consumed; ` +
      "pass { retainGraph: true } to the earlier backward",
  );
}

function checkGradients<T extends Taped<T>, G extends Num<G>>(
  caller: string,
  record: TapeRecord<T>,
  grads: readonly (G | null)[],
): void {
  if (grads.length !== record.inputs.length) {
    throw new RangeError(
      `${caller}: expected ${record.inputs.length} gradients from ${record.name}, one per input, got ${grads.length}`,
    );
  }
  for (let i = 0; i < grads.length; i++) {
    const input = record.inputs[i];
    const gradient = grads[i];
    if (input && gradient && !sameShape(input.shape, gradient.shape)) {
      throw new RangeError(
        `${caller}: expected gradient ${i} of ${record.name} in its input's shape ${formatShape(input.shape)}, ` +
          `got ${formatShape(gradient.shape)}`,
      );
    }
  }
}

let gradEnabled = true;

export function isGradEnabled(): boolean {
  return gradEnabled;
}

/** Runs `body` with the tape on or off, and puts it back. */
export function withGrad<R>(enabled: boolean, body: () => R): R {
  const before = gradEnabled;
  gradEnabled = enabled;
  try {
    return body();
  } finally {
    gradEnabled = before;
  }
}

/**
 * Runs `body` without writing the tape, and answers what it answers.
 *
 * @throws TypeError if `body` is async: the tape would be back on before the awaited part runs
 * @example
 * const weight = tensor([1, 2], { requiresGrad: true });
 * noGrad(() => weight.mul(3)).requiresGrad; // false: no record is written, and no memory held
 */
export function noGrad<R>(body: () => R): R {
  return withGrad(false, () => runSynchronously("noGrad", body));
}
