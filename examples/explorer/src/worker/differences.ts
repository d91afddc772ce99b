/** Finite differences of the forward, in double-double: values alone, no derivative rule. They take milliseconds, so elsewhere. */
import { richardsonGradients } from "normgrad/gradcheck";
import type { Num } from "normgrad";
import { subjectOf } from "../model.ts";
import type { State } from "../state.ts";
import { fromGiven, givenShape, toGiven, toTensor } from "../subject.ts";

onmessage = ({ data }: MessageEvent<{ readonly id: number; readonly state: State }>) => {
  const { id, state } = data;
  try {
    postMessage({ id, values: differences(state) });
  } catch (error) {
    postMessage({ id, problem: error instanceof Error ? error.message : String(error) });
  }
};

// A module that waits for another one misses what is sent before it is ready.
postMessage({ ready: true });

function differences(state: State): readonly number[] | null {
  const subject = subjectOf(state);
  const [x, ...others] = subject?.inputs ?? [];
  // What a definition holds constant would move here.
  if (!subject || !x || subject.case.held) return null;
  const forward = <A extends Num<A>>([moved, ...rest]: readonly A[]): A => {
    if (moved === undefined) throw new RangeError("expected an input");
    const constants = others.map((other) => moved.constant(() => other.data, other.shape));
    return subject.case.trace([moved, ...rest, ...constants]).output;
  };
  const gradOutput = toGiven(toTensor(state.gradOutput, state.shape), state.layout).value;
  const [gradient] = richardsonGradients(forward, [x.value], gradOutput);
  const found = gradient?.toNdArray().data ?? [];
  return [...fromGiven(toTensor([...found], givenShape(state.shape, state.layout)), state.layout).data];
}
