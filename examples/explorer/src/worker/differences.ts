/** Finite differences of the forward, in double-double: values alone, no derivative rule. They take milliseconds, so elsewhere. */
import { exactGradients, richardsonGradients } from "normgrad/gradcheck";
import { NdArray } from "normgrad";
import type { Num } from "normgrad";
import { AGREES, sizesOf } from "../agreement.ts";
import { mapsOf, subjectOf } from "../model.ts";
import type { Subject } from "../model.ts";
import type { State } from "../state.ts";
import { fromGiven, givenShape, toGiven, toTensor } from "../subject.ts";

type Forward = <A extends Num<A>>(inputs: readonly A[]) => A;

interface Compared {
  readonly values: readonly number[] | null;
  /** Why a difference and a derivative cannot be compared here, or null. */
  readonly unsure: string | null;
}

onmessage = ({ data }: MessageEvent<{ readonly id: number; readonly state: State }>) => {
  const { id, state } = data;
  try {
    postMessage({ id, ...compare(state) });
  } catch (error) {
    postMessage({ id, problem: error instanceof Error ? error.message : String(error) });
  }
};

// A module that waits for another one misses what is sent before it is ready.
postMessage({ ready: true });

function compare(state: State): Compared {
  const subject = subjectOf(state);
  // What a definition holds constant would move here.
  if (!subject || subject.case.held) return { values: null, unsure: null };
  const values = inPage(state, differences(state, subject));
  return { values, unsure: whyUnsure(state, subject, values) };
}

function differences(state: State, subject: Subject): Float64Array {
  const [x] = subject.inputs;
  const { partition } = subject.case;
  if (!x) return new Float64Array(0);
  // Each set is an input of its own, so that the step fits its spread: a large value of one set is none of the others'.
  const members = new Map<number, number[]>();
  partition.forEach((set, cell) => members.set(set, [...(members.get(set) ?? []), cell]));
  const sets = [...members.values()];
  const order = sets.flat();
  const back = new Int32Array(order.length);
  order.forEach((cell, i) => (back[cell] = i));
  const pieces = sets.map((cells) => x.value.reshape([x.numel]).take(Int32Array.from(cells)));
  const whole = forwardOf(subject);
  const forward: Forward = <A extends Num<A>>([first, ...rest]: readonly A[]): A => {
    if (first === undefined) throw new RangeError("expected an input");
    const all = rest.length > 0 ? first.concat(rest, 0) : first;
    return whole([all.take(back).reshape(x.shape)]);
  };
  const found = richardsonGradients(forward, pieces, gradOutputOf(state)).flatMap((piece) => [
    ...piece.toNdArray().data,
  ]);
  return Float64Array.from(back, (i) => found[i] ?? NaN);
}

function forwardOf({ case: normCase, inputs }: Subject): Forward {
  const others = inputs.slice(1);
  return <A extends Num<A>>([moved]: readonly A[]): A => {
    if (moved === undefined) throw new RangeError("expected an input");
    const constants = others.map((other) => moved.constant(() => other.data, other.shape));
    return normCase.trace([moved, ...constants]).output;
  };
}

function gradOutputOf({ gradOutput, shape, layout }: State): NdArray {
  return toGiven(toTensor(gradOutput, shape), layout).value;
}

/** In the order of the page. */
function inPage({ shape, layout }: State, values: ArrayLike<number>): readonly number[] {
  return [...fromGiven(toTensor(Array.from(values), givenShape(shape, layout)), layout).data];
}

/** A step next to nothing against the values, and far more than the rounding of a double. */
const ASIDE = 2 ** -40;
/** Derivatives to both sides that differ by more, of their size, are those of a kink. */
const BEND = 1e-3;

/** Only where they disagree: is it the gradient that is wrong, or does a difference say nothing here? */
function whyUnsure(state: State, subject: Subject, values: readonly number[]): string | null {
  const [x] = subject.inputs;
  if (!x) return null;
  const maps = mapsOf(state, subject);
  const squares = [...x.value.square().data, ...gradOutputOf(state).square().data];
  if (!squares.every(Number.isFinite)) return "the square of an entered value is beyond the largest double";
  if (![...values, ...maps.gradInput].every(Number.isFinite)) return "not every number is finite";
  const sizes = sizesOf(maps, inPage(state, Float64Array.from(subject.case.partition)));
  const off = (a: readonly number[], b: readonly number[], share: number): number =>
    a.findIndex((value, i) => Math.abs(value - (b[i] ?? NaN)) > share * (sizes[i] ?? 0));
  const worst = off(values, maps.gradInput, AGREES);
  if (worst < 0) return null;
  const exactAt = (at: readonly number[]): readonly number[] => {
    const moved = toGiven(toTensor(at, state.shape), state.layout).value;
    const [gradient] = exactGradients(forwardOf(subject), [moved], gradOutputOf(state));
    return inPage(state, gradient?.toNdArray().data ?? []);
  };
  const size = Math.max(...state.x.map(Math.abs), 1e-300);
  const beside = (side: number): readonly number[] =>
    exactAt(state.x.map((value, i) => (i === worst ? value + side * ASIDE * size : value)));
  if (off(beside(-1), beside(1), BEND) >= 0) {
    return "the function has a kink at these values: its slopes to both sides differ, and any number between them is a gradient";
  }
  // The chain rule in twice the digits is on gradInput's side: then the step is what is wrong.
  if (off(exactAt(state.x), maps.gradInput, AGREES) < 0) {
    return "a step that is large enough to be seen beside these values is too large for the curve";
  }
  return null;
}
