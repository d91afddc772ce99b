/** The tape of ⟨norm(x), gradOutput⟩, forwards and backwards, as the engine writes and sweeps it. */
import { printTape, Tensor, tapeOf } from "normgrad";
import type { NdArray, TapeRecord } from "normgrad";
import { subjectOf } from "./model.ts";
import type { State } from "./state.ts";
import { toGiven, toTensor } from "./subject.ts";

export interface TapeNode {
  readonly id: string;
  readonly words: string;
  readonly inputs: readonly string[];
  readonly isLeaf: boolean;
}

export interface TapeStep {
  readonly node: string;
  readonly backward: boolean;
  /** The line of the tape, or what flowed. */
  readonly text: string;
}

export interface Tape {
  readonly nodes: readonly TapeNode[];
  readonly steps: readonly TapeStep[];
}

/** @param opened the norm by its primitive steps: its formula on tensors, instead of the one op that it is on a tape */
export function tapeOfState(now: State, opened: boolean): Tape | null {
  const subject = subjectOf(now);
  if (!subject) return null;
  const leaves = subject.inputs.map((input) => new Tensor(input.value, true));
  const gradOutput = toGiven(toTensor(now.gradOutput, now.shape), now.layout);
  const output = opened ? subject.case.trace(leaves).output : subject.case.op(leaves);
  const loss = output.reshape(gradOutput.shape).mul(gradOutput).sum();
  const names = Object.fromEntries(
    subject.case.inputs
      .map(({ name }, i) => [name, leaves[i]] as const)
      .flatMap(([name, leaf]) => (leaf ? [[name, leaf] as const] : [])),
  );
  const records = tapeOf<Tensor>(loss);
  const lines = printTape(loss, { names: { ...names, gradOutput } }).split("\n");
  const known = new Map<Tensor, string>(Object.entries({ ...names, gradOutput }).map(([name, leaf]) => [leaf, name]));
  const idOf = (input: Tensor): string =>
    input.record ? String(input.record.id) : (known.get(input) ?? constantOf(known, input));
  const nodes = records.map((record) => ({
    id: String(record.id),
    words: record.name,
    inputs: record.inputs.flatMap((input) => (input ? [idOf(input)] : [])),
    isLeaf: false,
  }));
  const used = new Set(nodes.flatMap(({ inputs }) => inputs));
  const leafNodes = [...known.values()]
    .filter((name) => used.has(name))
    .map((name) => ({ id: name, words: name, inputs: [], isLeaf: true }));
  const backward: TapeStep[] = [];
  loss.backward(null, {
    onRecord: (record, flowing, gradInputs) => {
      const parts = gradInputs.flatMap((gradient, i) => (gradient ? [`to input ${i}: ${show(gradient)}`] : []));
      backward.push({
        node: String(record.id),
        backward: true,
        text: [`${record.name} receives ${show(flowing)}`, ...parts].join("\n"),
      });
    },
    retainGraph: true,
  });
  const forward = records.map((record, i) => ({
    node: String(record.id),
    backward: false,
    text: lines[i] ?? lineOf(record),
  }));
  return { nodes: [...leafNodes, ...nodes], steps: [...forward, ...backward] };
}

function constantOf(known: Map<Tensor, string>, input: Tensor): string {
  const name = `constant ${known.size}`;
  known.set(input, name);
  return name;
}

function lineOf({ name }: TapeRecord<Tensor>): string {
  return name;
}

function show(array: NdArray | Tensor): string {
  const tensor = array instanceof Tensor ? array : new Tensor(array);
  return tensor.numel === 1 ? `${Number((tensor.data[0] ?? NaN).toPrecision(7))}` : String(tensor.detach());
}
