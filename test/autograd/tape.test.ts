import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { apply, customOp, grad, NdArray, noGrad, tapeOf, tensor, Tensor } from "../../src/autograd/index.ts";
import type { BackwardOptions, FloatArray, Rule } from "../../src/autograd/index.ts";
import { isGradEnabled, withGrad } from "../../src/autograd/tape.ts";
import { holds } from "../helpers/generators.ts";
import { given } from "../helpers/given.ts";
import { expectClose } from "../helpers/laws.ts";
import { breaks } from "../helpers/planted.ts";

const leaf = (data: readonly number[]): Tensor => tensor(data, { requiresGrad: true });
const values = (x: Tensor | null): number[] => [...given(x).data];

// ── Graphs of any shape ───────────────────────────────────────────────────────────────────────────────────────────────

/** Each step combines two earlier tensors: numbers choose which, and how. */
type Step = readonly [a: number, b: number, op: number];
const graphs = fc.tuple(
  fc.array(fc.tuple(fc.nat(), fc.nat(), fc.nat(2)), { minLength: 1, maxLength: 12 }),
  fc.tuple(fc.double({ min: -1, max: 1, noNaN: true }), fc.double({ min: -1, max: 1, noNaN: true })),
);
type Graph = readonly [steps: readonly Step[], at: readonly [number, number]];

/** All tensors of the graph, the leaves first. */
function build([steps, at]: Graph): Tensor[] {
  const all = at.map((value) => leaf([value]));
  for (const [a, b, op] of steps) {
    const [x, y] = [given(all[a % all.length]), given(all[b % all.length])];
    all.push(given([x.add(y), x.mul(y).mul(0.5), x.mul(y.tanh())][op]));
  }
  return all;
}

/** The same in numbers with a derivative each: forward mode, written for this graph alone. */
function slopesByHand([steps, at]: Graph): number[] {
  return [0, 1].map((moving) => {
    const all = at.map((value, i) => ({ value, slope: i === moving ? 1 : 0 }));
    for (const [a, b, op] of steps) {
      const [x, y] = [given(all[a % all.length]), given(all[b % all.length])];
      const t = Math.tanh(y.value);
      const sum = { value: x.value + y.value, slope: x.slope + y.slope };
      const product = { value: (x.value * y.value) / 2, slope: (x.slope * y.value + x.value * y.slope) / 2 };
      const bent = { value: x.value * t, slope: x.slope * t + x.value * (1 - t * t) * y.slope };
      all.push(given([sum, product, bent][op]));
    }
    return given(all.at(-1)).slope;
  });
}

const isByHand =
  (gradients: (root: Tensor, leaves: readonly Tensor[]) => readonly (Tensor | null)[]) =>
  (graph: Graph): void => {
    const all = build(graph);
    const found = gradients(given(all.at(-1)), all.slice(0, 2)).map((g) => (g === null ? 0 : given(g.data[0])));
    const expected = new NdArray(Float64Array.from(slopesByHand(graph)), [2]);
    // At most 12 steps, each of slope at most 2: relative to the largest.
    expectClose("sweep", new NdArray(Float64Array.from(found), [2]), expected, 1e-12);
  };

describe("the sweep", () => {
  test("adds up the gradients of every path, in graphs of any shape", () => {
    holds(
      graphs,
      isByHand((root, leaves) => grad(root, leaves, { allowUnused: true })),
      200,
    );
    holds(
      graphs,
      isByHand((root, leaves) => {
        root.backward();
        return leaves.map((x) => x.grad);
      }),
      200,
    );
    holds(
      graphs,
      isByHand((root, leaves) => grad(root, leaves, { allowUnused: true, createGraph: true })),
      100,
    );
  });

  test("a sweep that keeps only the last gradient of a tensor would be found", () => {
    const assigning = (root: Tensor, leaves: readonly Tensor[]): (Tensor | null)[] => {
      const found = new Map<unknown, Tensor>([[root.record ?? root, tensor([1])]]);
      for (const record of tapeOf(root).toReversed()) {
        const g = found.get(record);
        const gradients = g ? given(record.pullback)(g.value) : [];
        record.inputs.forEach((input, i) => {
          const gradient = gradients[i];
          if (input && gradient) found.set(input.record ?? input, new Tensor(gradient));
        });
      }
      return leaves.map((x) => found.get(x) ?? null);
    };
    breaks(graphs, isByHand(assigning), /sweep: expected/);
  });

  test("a chain of 50,000 records does not overflow the stack, in either kind of sweep", () => {
    const x = leaf([1]);
    let y = x;
    for (let i = 0; i < 50_000; i++) y = y.add(1e-9);
    expect(tapeOf(y).length).toBe(50_000);
    expect(values(given(grad(y, [x], { createGraph: true })[0]))).toEqual([1]);
    y.backward();
    expect(values(x.grad)).toEqual([1]);
  });

  test("a ladder of 60 diamonds is swept record by record, not path by path", () => {
    const x = leaf([1]);
    let y = x;
    for (let i = 0; i < 60; i++) y = y.add(y).mul(0.5);
    expect(tapeOf(y).length).toBe(120); // 2⁶⁰ paths
    y.backward();
    expect(values(x.grad)).toEqual([1]);
  });
});

describe("tapeOf", () => {
  test("holds each record once, inputs before outputs, and nothing that is not needed", () => {
    holds(graphs, (graph) => {
      const all = build(graph);
      const tape = tapeOf(given(all.at(-1)));
      expect(new Set(tape).size).toBe(tape.length);
      const position = new Map(tape.map((record, i) => [record, i]));
      tape.forEach((record, i) => {
        for (const input of record.inputs) {
          if (input?.record) expect(given(position.get(input.record))).toBeLessThan(i);
        }
      });
      const used = new Set(tape.flatMap((record) => record.inputs.flatMap((input) => input?.record ?? [])));
      expect(tape.filter((record) => !used.has(record))).toEqual([given(all.at(-1)).record]);
    });
  });

  test("of a leaf or a constant is empty", () => {
    expect([tapeOf(leaf([1])), tapeOf(tensor([1]).exp())]).toEqual([[], []]);
  });
});

// ── Consuming ─────────────────────────────────────────────────────────────────────────────────────────────────────────

const CONSUMED = (name: string, shape = "[]", caller = "backward"): string =>
  `${caller}: expected a tape that no earlier backward has consumed, got ${name} : ${shape} consumed; pass { retainGraph: true } to the earlier backward`;

describe("a tape that was swept", () => {
  test("is consumed: records hold neither inputs nor pullbacks, so that a kept loss keeps nothing alive", () => {
    const x = leaf([1, 2]);
    const y = x.square().sum();
    y.retainGrad();
    const tape = tapeOf(y);
    expect(tape.map((record) => record.consumed)).toEqual([false, false]);
    y.backward();
    for (const record of tape) {
      expect(record.consumed).toBe(true);
      expect([record.inputs, record.pullback, record.replay, record.retained]).toEqual([[], null, null, null]);
    }
  });

  test("throws on a second backward, and says what to pass", () => {
    const x = leaf([1, 2]);
    const y = x.square().sum();
    y.backward();
    expect(() => y.backward()).toThrow(new Error(CONSUMED("sum")));
    expect(() => grad(y, [x])).toThrow(new Error(CONSUMED("sum", "[]", "grad")));
    expect(values(x.grad)).toEqual([2, 4]);
  });

  test.each<readonly [string, BackwardOptions, boolean]>([
    ["nothing", {}, true],
    ["createGraph", { createGraph: true }, false],
    ["retainGraph", { retainGraph: true }, false],
    ["createGraph without retainGraph", { createGraph: true, retainGraph: false }, true],
  ])("by a sweep with %s", (_, options, consumed) => {
    for (const sweep of [(y: Tensor) => y.backward(null, options), (y: Tensor) => grad(y, [], options)]) {
      const y = leaf([1]).exp();
      sweep(y);
      expect(given(y.record).consumed).toBe(consumed);
    }
  });

  test("stays as it was when grad finds an input that does not take part", () => {
    const y = leaf([1]).exp();
    expect(() => grad(y, [leaf([1])])).toThrow("that the output depends on");
    expect(given(y.record).consumed).toBe(false);
  });
});

// ── A backward that fails ─────────────────────────────────────────────────────────────────────────────────────────────

describe("a backward that fails", () => {
  const failing = (backward: () => readonly (FloatArray | null)[]): ((x: Tensor) => Tensor) =>
    customOp((x) => x, backward, { name: "failing" });
  const reshaping: Rule<readonly [Tensor]> = (x) => ({ output: x, pullback: (g) => [g.reshape([1, 2])] });
  const cases: readonly (readonly [string, (x: Tensor) => Tensor, BackwardOptions, string])[] = [
    [
      "because a pullback throws",
      failing(() => {
        throw new Error("no gradient today");
      }),
      {},
      "no gradient today",
    ],
    [
      "because a gradient has the wrong shape",
      failing(() => [new Float64Array(3)]),
      {},
      "failing: expected gradient 0 of shape [2], got 3 values",
    ],
    [
      "because a rule answers a gradient of another shape",
      (x) => apply("reshaping", { rule: reshaping }, x),
      {},
      "backward: expected gradient 0 of reshaping in its input's shape [2], got [1, 2]",
    ],
    [
      "because there are too few gradients",
      failing(() => []),
      {},
      "backward: expected 1 gradients from failing, one per input, got 0",
    ],
    [
      "because there is no rule to differentiate twice",
      failing(() => [new Float64Array(2)]),
      { createGraph: true },
      "failing: expected an op with a rule to differentiate twice, got one with plain numbers only",
    ],
    [
      "because the middle was consumed",
      (x) => {
        const middle = x.square();
        grad(middle, [x], { gradOutput: tensor([1, 1]) });
        return middle;
      },
      {},
      CONSUMED("square", "[2]"),
    ],
    [
      "because onRecord throws",
      (x) => x.square(),
      {
        onRecord: ({ name }) => {
          if (name === "square") throw new Error("enough seen");
        },
      },
      "enough seen",
    ],
  ];

  test.each(cases)("%s changes no .grad and consumes nothing", (_, op, options, message) => {
    const [x, other] = [leaf([1, 2]), leaf([3, 4])];
    const before = tensor([5, 6]);
    other.grad = before;
    // The sweep meets `other` first, the failing record after it, and never comes to x.
    const inner = op(x.mul(2));
    const y = inner.mul(other).sum();
    other.retainGrad();
    const tape = tapeOf(y);
    const consumed = tape.map((record) => record.consumed);
    expect(() => y.backward(null, options)).toThrow(message);
    expect(() => grad(y, [x, other], options)).toThrow(message.replace(/^backward: /, "grad: "));
    expect([x.grad, other.grad, inner.grad]).toEqual([null, before, null]);
    expect(tape.map((record) => record.consumed)).toEqual(consumed);
    expect(isGradEnabled()).toBe(true);
  });

  test("because .grad has another dtype changes no other .grad", () => {
    const [x, y] = [leaf([1]), leaf([2])];
    y.grad = tensor(Float32Array.of(1));
    const z = x.mul(y);
    expect(() => z.backward()).toThrow(TypeError);
    expect([x.grad, values(y.grad), given(z.record).consumed]).toEqual([null, [1], false]);
  });

  test("because a callback has swept the same tape, says so", () => {
    const x = leaf([1, 2]);
    const y = x.square().sum();
    let first = true;
    const onRecord = (): void => {
      if (!first) return;
      first = false;
      y.backward();
    };
    expect(() => y.backward(null, { onRecord })).toThrow(new Error(CONSUMED("square", "[2]")));
    expect(values(x.grad)).toEqual([2, 4]); // of the inner one
  });
});

// ── Values that were replaced ─────────────────────────────────────────────────────────────────────────────────────────

describe("a value replaced between forward and backward", () => {
  const REPLACED =
    "mul: expected inputs as they were in the forward pass, got one whose value was replaced since; run the forward again before asking for a second derivative";

  test("leaves the first derivative that of its own forward", () => {
    const [x, w] = [leaf([2]), leaf([3])];
    const y = x.mul(w);
    w.value = tensor([100]).value;
    expect(grad(y, [x, w]).map(values)).toEqual([[3], [2]]);
  });

  test("makes a second derivative throw, whether the tensor requires a gradient or not", () => {
    for (const w of [leaf([3]), tensor([3])]) {
      const x = leaf([2]);
      const y = x.mul(w);
      w.value = tensor([100]).value;
      expect(() => grad(y, [x], { createGraph: true })).toThrow(new Error(REPLACED));
      expect(() => y.backward(null, { createGraph: true })).toThrow(new Error(REPLACED));
      expect([x.grad, given(y.record).consumed]).toEqual([null, false]);
    }
  });

  test("is no obstacle where the same array was assigned again", () => {
    const x = leaf([2]);
    const y = x.mul(x);
    x.value = tensor([2]).value;
    expect(() => grad(y, [x], { createGraph: true })).toThrow(new Error(REPLACED));
    const z = x.mul(x);
    const { value } = x;
    x.value = tensor([7]).value;
    x.value = value;
    expect(grad(z, [x], { createGraph: true }).map(values)).toEqual([[4]]);
  });
});

// ── Watching ──────────────────────────────────────────────────────────────────────────────────────────────────────────

describe("onRecord", () => {
  test.each([false, true])("sees every record from the end, with its gradients (createGraph %s)", (createGraph) => {
    const [x, w] = [leaf([2, 3]), leaf([5, 7])];
    const seen: unknown[] = [];
    const y = x.mul(w).sum();
    const list = (g: NdArray | Tensor | null): number[] | null => g && [...g.data];
    y.backward(tensor(10), {
      createGraph,
      onRecord: (record, gradOutput, gradInputs) => seen.push([record.name, list(gradOutput), gradInputs.map(list)]),
    });
    expect(seen).toEqual([
      ["sum", [10], [[10, 10]]],
      [
        "mul",
        [10, 10],
        [
          [50, 70],
          [20, 30],
        ],
      ],
    ]);
  });

  test("sees no record that no gradient comes to", () => {
    const x = leaf([1]);
    const stop: Rule<readonly [Tensor]> = (input) => ({ output: input, pullback: () => [null] });
    const y = apply("stop", { rule: stop }, x.exp()).mul(2);
    const seen: string[] = [];
    y.backward(null, { onRecord: (record) => seen.push(record.name) });
    expect([seen, x.grad]).toEqual([["mul", "stop"], null]);
  });
});

describe("noGrad", () => {
  test("writes no records, answers what its body answers, and nests", () => {
    const x = leaf([1]);
    const answer = noGrad(() => {
      const inner = noGrad(() => x.mul(2));
      return [inner, x.mul(3), isGradEnabled()] as const;
    });
    expect([answer[0].requiresGrad, answer[1].requiresGrad, answer[2]]).toEqual([false, false, false]);
    expect([x.mul(2).requiresGrad, isGradEnabled()]).toEqual([true, true]);
  });

  test("is over after a throw, at every depth", () => {
    expect(() =>
      noGrad(() => {
        expect(() =>
          noGrad(() => {
            throw new RangeError("inner");
          }),
        ).toThrow("inner");
        expect(isGradEnabled()).toBe(false);
        throw new RangeError("outer");
      }),
    ).toThrow("outer");
    expect(isGradEnabled()).toBe(true);
  });

  test("refuses an async body, whose awaited part would run with the tape on", () => {
    const message = "noGrad: expected a synchronous function, got one that returns a promise";
    expect(() => noGrad(async () => 1)).toThrow(new TypeError(message));
    expect(isGradEnabled()).toBe(true);
    expect([noGrad(() => null), noGrad(() => undefined), noGrad(() => ({ item: 1 }))]).toEqual([
      null,
      undefined,
      { item: 1 },
    ]);
  });

  /** The rejections of `run` that nobody handles: Node would end the process for each. */
  async function unhandled(run: () => void): Promise<unknown[]> {
    const listeners = process.listeners("unhandledRejection");
    const found: unknown[] = [];
    process.removeAllListeners("unhandledRejection").on("unhandledRejection", (reason) => found.push(reason));
    try {
      run();
      await new Promise((resolve) => setTimeout(resolve, 5));
    } finally {
      process.removeAllListeners("unhandledRejection");
      for (const listener of listeners) process.on("unhandledRejection", listener);
    }
    return found;
  }

  test("an async body that is refused and rejects as well leaves one error, the refusal", async () => {
    const late = new Error("late");
    const failing = (): Promise<void> => Promise.reject(late);
    expect(await unhandled(() => expect(() => noGrad(failing)).toThrow(TypeError))).toEqual([]);
    expect(await unhandled(() => void failing())).toEqual([late]);
  });

  test("withGrad puts back what was there", () => {
    expect(noGrad(() => [withGrad(true, isGradEnabled), isGradEnabled()])).toEqual([true, false]);
  });
});
