import { afterEach, describe, expect, test } from "vitest";
import { checkOp, GradcheckError } from "../../src/gradcheck/index.ts";
import type { CheckOpResult } from "../../src/gradcheck/index.ts";
import { startRecording } from "../../src/gradcheck/recorder.ts";
import type { Overrides } from "../../src/gradcheck/recorder.ts";

let stop = (): void => {};
afterEach(() => stop());

interface Recorded {
  readonly results: CheckOpResult[];
  readonly faults: (readonly [string, unknown])[];
}

function record(overrides: Overrides = {}): Recorded {
  const seen: Recorded = { results: [], faults: [] };
  stop = startRecording<CheckOpResult>({
    overrides,
    onResult: (result) => seen.results.push(result),
    onFault: (name, error) => seen.faults.push([name, error]),
  });
  return seen;
}

/** y = 2·x with a backward that says `slope`. */
function check(slope: number, options: { readonly path?: string; readonly seed?: number } = {}): CheckOpResult {
  return checkOp(
    "double",
    {
      dims: { n: [1, 4] },
      inputs: ({ n }) => ({ x: [n] }),
      forward: ({ x }) => x.mul(2),
      backward: (gradOutput) => {
        if (Number.isNaN(slope)) throw new Error("no slope");
        return { x: gradOutput.map((g) => slope * g) };
      },
    },
    { runs: 20, ...options },
  );
}

describe("startRecording", () => {
  test("a failing check answers its result instead of throwing, and the recorder gets it", () => {
    const { results, faults } = record();
    const [right, wrong] = [check(2), check(3)];
    expect([right.ok, wrong.ok]).toEqual([true, false]);
    expect(results).toEqual([right, wrong]);
    expect(faults).toEqual([]);
  });

  test("a fault is recorded and thrown on, the same error", () => {
    const { results, faults } = record();
    let thrown: unknown = null;
    try {
      check(NaN);
    } catch (error) {
      thrown = error;
    }
    expect(faults).toEqual([["double", thrown]]);
    expect(String(thrown)).toContain("no slope");
    expect(results).toEqual([]);
  });

  test("its seed and runs beat those of the call; a path of another seed is forgotten", () => {
    record({ seed: 4, runs: 3 });
    expect(check(2).cases).toBe(3);
    const { failure } = check(3, { seed: 9, path: "7:0" });
    expect([failure?.seed, failure?.path.startsWith("7")]).toEqual([4, false]);
  });

  test("afterwards checkOp throws as ever", () => {
    const { results } = record();
    stop();
    expect(() => check(3)).toThrow(GradcheckError);
    expect(results).toEqual([]);
  });
});
