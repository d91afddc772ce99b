import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Parameter, Tensor, tensor } from "../../src/autograd/index.ts";
import { Adam, AdamW } from "../../src/nn/adam.ts";
import type { Optimizer } from "../../src/nn/optimizer.ts";
import { SGD } from "../../src/nn/sgd.ts";
import { descend, histories } from "../helpers/descent.ts";
import type { History, Stepper } from "../helpers/descent.ts";
import { holds } from "../helpers/generators.ts";
import { expectClose } from "../helpers/laws.ts";
import { breaks } from "../helpers/planted.ts";

function parameter(value: number | readonly number[], gradient?: number | readonly number[]): Parameter {
  const made = new Parameter(tensor(value));
  if (gradient !== undefined) made.grad = tensor(gradient);
  return made;
}

/** An optimizer whose state can be handed on to a new one of its kind. */
interface Resumable extends Stepper {
  resume(parameters: readonly Parameter[]): Stepper;
}

type Start = (parameters: readonly Parameter[]) => Resumable;

function resumable<Options extends object>(
  make: (parameters: readonly Parameter[]) => Optimizer<Options>,
  parameters: readonly Parameter[],
): Resumable {
  const optimizer = make(parameters);
  return {
    step: () => optimizer.step(),
    resume: (others) => {
      const next = make(others);
      next.loadStateDict(optimizer.stateDict());
      return next;
    },
  };
}

const sgd = { lr: 0.1, momentum: 0.9, weightDecay: 0.01 };
const kinds: Readonly<Record<string, Start>> = {
  SGD: (parameters) => resumable((over) => new SGD(over, sgd), parameters),
  Adam: (parameters) => resumable((over) => new Adam(over, { lr: 0.1, amsgrad: true }), parameters),
  AdamW: (parameters) => resumable((over) => new AdamW(over, { lr: 0.1 }), parameters),
};

/** Through all steps in one go, and with a break after the first `before` of them, the parameters end the same. */
function expectResumes(start: Start, all: readonly History[], before: number, takeState = true): void {
  const part = (from: number, to?: number): History[] =>
    all.map(({ initial, gradients }) => ({ initial, gradients: gradients.slice(from, to) }));
  const inOneGo = descend(start, all);
  let optimizer: Resumable | null = null;
  const saved = descend((parameters) => (optimizer = start(parameters)), part(0, before));
  const restored = saved.map(({ value }) => new Parameter(new Tensor(value)));
  const resume = (parameters: readonly Parameter[]): Stepper =>
    takeState && optimizer ? optimizer.resume(parameters) : start(parameters);
  descend(resume, part(before), restored).forEach((end, i) => {
    expectClose("after a break", end.value, inOneGo[i]?.value ?? end.value, 0);
  });
}

const breaksInThe = fc.record({ all: histories, before: fc.integer({ min: 0, max: 6 }) });

describe.each(Object.entries(kinds))("stateDict and loadStateDict of %s", (_, start) => {
  test("a run that is interrupted, saved and resumed ends exactly where an uninterrupted one does", () => {
    holds(breaksInThe, ({ all, before }) => expectResumes(start, all, before));
  });

  test("the law rejects a resumption without the state", () => {
    breaks(breaksInThe, ({ all, before }) => expectResumes(start, all, before, false), /after a break/);
  });
});

describe("Optimizer", () => {
  test("a parameter without a gradient is skipped, with its state", () => {
    const [a, b] = [parameter(1, 1), parameter(1)];
    const optimizer = new Adam([a, b]);
    optimizer.step();
    expect(b.item()).toBe(1);
    expect(Object.keys(optimizer.stateDict().state)).toEqual(["0"]);
    [a.grad, b.grad] = [null, tensor(1)];
    optimizer.step();
    const { state } = optimizer.stateDict();
    expect([state[0]?.step?.item(), state[1]?.step?.item()]).toEqual([1, 1]);
  });

  test("assigns new arrays: the old ones keep their values", () => {
    const w = parameter([1, 2], [1, 1]);
    const { value, data } = w;
    const optimizer = new SGD([w], { lr: 1, momentum: 0.9 });
    optimizer.step();
    const { momentumBuffer } = optimizer.stateDict().state[0] ?? {};
    optimizer.step();
    expect(w.value).not.toBe(value);
    expect([...data]).toEqual([1, 2]);
    expect(momentumBuffer?.toArray()).toEqual([1, 1]);
  });

  test("groups have options of their own, and the rest from the optimizer's", () => {
    const [a, b] = [parameter(0, 1), parameter(0, 1)];
    const optimizer = new SGD([{ params: [a] }, { params: [b], lr: 3, weightDecay: 0.5 }], { lr: 1 });
    optimizer.step();
    expect([a.item(), b.item()]).toEqual([-1, -3]);
    expect(optimizer.paramGroups.map(({ lr, weightDecay }) => [lr, weightDecay])).toEqual([
      [1, 0],
      [3, 0.5],
    ]);
  });

  test("lr is the first group's, and setting it sets that of all groups", () => {
    const [a, b] = [parameter(0, 1), parameter(0, 1)];
    const optimizer = new SGD([{ params: [a] }, { params: [b], lr: 3 }], { lr: 1 });
    expect(optimizer.lr).toBe(1);
    optimizer.lr = 0.5;
    optimizer.step();
    expect([a.item(), b.item()]).toEqual([-0.5, -0.5]);
    expect(() => (optimizer.lr = -1)).toThrow(RangeError);
    expect(optimizer.lr).toBe(0.5);
  });

  test("zeroGrad sets gradients to null", () => {
    const w = parameter(1, 1);
    new SGD([w], { lr: 1 }).zeroGrad();
    expect(w.grad).toBeNull();
  });

  test("takes any iterable, as a generator of parameters", () => {
    const w = parameter(1, 1);
    function* each(): Generator<Parameter> {
      yield w;
    }
    new SGD(each(), { lr: 1 }).step();
    expect(w.item()).toBe(0);
  });

  test("a step that throws has changed nothing", () => {
    const [a, b] = [parameter(1, 1), parameter([1, 2], [1])];
    const optimizer = new SGD([a, b], { lr: 1, momentum: 0.9 });
    expect(() => optimizer.step()).toThrow(
      new RangeError("SGD: expected a gradient of its parameter's shape [2], got [1]"),
    );
    expect(a.item()).toBe(1);
    expect(optimizer.stateDict().state).toEqual({});
    b.grad = tensor([1, 2], { dtype: "float32" });
    expect(() => optimizer.step()).toThrow(TypeError);
  });

  test("refuses what cannot be trained", () => {
    const w = parameter(1);
    expect(() => new SGD([], { lr: 1 })).toThrow(
      new RangeError("SGD: expected at least one parameter, got an empty list"),
    );
    expect(() => new SGD([{ params: [] }], { lr: 1 })).toThrow(RangeError);
    expect(() => new SGD([w, w], { lr: 1 })).toThrow(/each parameter once, got number 1 again/);
    expect(() => new SGD([{ params: [w] }, { params: [w] }], { lr: 1 })).toThrow(/number 1 again/);
    expect(() => new SGD([w.mul(2)], { lr: 1 })).toThrow(/expected leaves to train, got the output of mul/);
    expect(() => new SGD([{ params: [w], lr: -1 }], { lr: 1 })).toThrow(/lr/);
    // @ts-expect-error one tensor is no list
    expect(() => new SGD(w, { lr: 1 })).toThrow(TypeError);
    // @ts-expect-error numbers are no tensors
    expect(() => new SGD([1], { lr: 1 })).toThrow(TypeError);
    // @ts-expect-error a model may have no bias
    expect(() => new SGD([null], { lr: 1 })).toThrow(TypeError);
    // @ts-expect-error numbers are no tensors
    expect(() => new SGD([{ params: [1] }], { lr: 1 })).toThrow(/tensors, got 1 for number 0/);
    // @ts-expect-error either or
    expect(() => new SGD([w, { params: [] }], { lr: 1 })).toThrow(/either tensors or groups/);
  });
});

function trained(): SGD {
  const optimizer = new SGD([parameter([1, 2], [1, 1]), parameter(1)], { lr: 1, momentum: 0.9 });
  optimizer.step();
  return optimizer;
}

function untrained(): SGD {
  return new SGD([parameter([1, 2]), parameter(1)], { lr: 7, momentum: 0.5 });
}

describe("loadStateDict", () => {
  test("takes options over too, and leaves the parameters in their groups", () => {
    const optimizer = untrained();
    const [group] = optimizer.paramGroups;
    optimizer.loadStateDict(trained().stateDict());
    expect(optimizer.paramGroups[0]).toBe(group);
    expect([group?.lr, group?.momentum, group?.params.length]).toEqual([1, 0.9, 2]);
  });

  test("converts state to the parameters' dtype, but not the count of steps", () => {
    const w = new Parameter(tensor([1, 2], { dtype: "float32" }));
    const optimizer = new SGD([w, parameter(1)], { lr: 1, momentum: 0.5 });
    optimizer.loadStateDict(trained().stateDict());
    expect(optimizer.stateDict().state[0]?.momentumBuffer?.dtype).toBe("float32");
    const adam = new Adam([w]);
    w.grad = w.detach();
    adam.step();
    adam.loadStateDict(adam.stateDict());
    const { expAvg, step } = adam.stateDict().state[0] ?? {};
    expect([expAvg?.dtype, step?.dtype]).toEqual(["float32", "float64"]);
  });

  test("refuses a state that does not fit, and then nothing has changed", () => {
    const optimizer = untrained();
    const before = JSON.stringify(optimizer.stateDict());
    const { state, paramGroups } = trained().stateDict();
    const [group] = paramGroups;
    if (group === undefined) throw new Error("expected a group");
    expect(() => optimizer.loadStateDict({ state, paramGroups: [] })).toThrow(/groups of 2 parameters, got none/);
    expect(() => optimizer.loadStateDict({ state, paramGroups: [{ ...group, params: [0] }] })).toThrow(/of 2 .* got 1/);
    expect(() => optimizer.loadStateDict({ state, paramGroups: [{ ...group, lr: -1 }] })).toThrow(/lr/);
    expect(() => optimizer.loadStateDict({ state: { 0: { expAvg: tensor([1, 2]) } }, paramGroups })).toThrow(
      new RangeError("loadStateDict: expected state momentumBuffer for parameter 0, got expAvg"),
    );
    expect(() => optimizer.loadStateDict({ state: { 0: { momentumBuffer: tensor([1]) } }, paramGroups })).toThrow(
      new RangeError("loadStateDict: expected momentumBuffer of parameter 0 in shape [2], got [1]"),
    );
    const plain = { ...group, momentum: 0, nesterov: false };
    expect(() => optimizer.loadStateDict({ state, paramGroups: [plain] })).toThrow(/state of no name for parameter 0/);
    expect(JSON.stringify(optimizer.stateDict())).toBe(before);
  });
});
