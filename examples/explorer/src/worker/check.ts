/** Checks a backward that a visitor wrote. Made from a blob by `checker.ts`, so that it inherits the page's policy. */
import { checkOp } from "normgrad/gradcheck";

/** Enough to meet each trap, and few enough for a check while one types. */
const RUNS = 60;

/** What checkOp's names for faults mean. */
const WORDS: Readonly<Record<string, string>> = {
  output: "the forward's own value is wrong",
  "not finite": "a gradient is not a finite number where it should be",
  state: "the same call gives two results: something is kept from an earlier one",
  gradOutput: "gradOutput is not used as it should be",
  factor: "a gradient is right but for one factor or sign",
  "mean path": "the path through the mean is lost or wrong",
  "variance path": "the path through the variance is lost or wrong",
  "statistics as constants": "mean and variance are taken for constants",
  count: "a sum is divided by the wrong number of elements",
  rstd: "1/√(variance + eps) is not that of the forward: eps, or its place",
  parameter: "a parameter does not enter the gradient as it should: lost, doubled, at the wrong place",
  "parameter gradient": "the gradient of a parameter is that of another formula",
  axes: "statistics or parameters are shared by the wrong cells",
  indices: "only some indices are wrong",
  precision: "right but for rounding: a formula that cancels, or single precision",
};

onmessage = ({ data }: MessageEvent<string>) => {
  postMessage(judged(data));
};

// A module is ready some time after it was made: what is sent before that would be lost.
postMessage({ ready: true });

function judged(code: string): object {
  try {
    // What is run is what the visitor has typed, in a worker without a network.
    // oxlint-disable-next-line no-new-func -- this is an editor for code
    const given = new Function(`"use strict"; return (${code}\n);`)();
    const { spec, missing } = watched(given);
    const { ok, report, failure } = checkOp("yours", spec, { runs: RUNS, raiseException: false });
    if (!ok && missing.size > 0) {
      const names = [...missing].join(" and ");
      const words = `no gradient for ${names} was returned`;
      return {
        ok,
        report,
        fault: "missing",
        words,
        evidence: `the backward's answer has no ${names}, which counts as 0`,
      };
    }
    const [first] = failure?.diagnosis ?? [];
    const fault = first?.fault ?? null;
    return { ok, report, fault, words: (fault && WORDS[fault]) || null, evidence: first?.evidence ?? null };
  } catch (error) {
    return { problem: error instanceof Error ? `${error.name}: ${error.message}` : String(error) };
  }
}

/** The visitor's spec; which gradients its backward leaves out is noted. checkOp takes them for zeros, and they may be. */
function watched<Spec>(spec: Spec): { readonly spec: Spec; readonly missing: ReadonlySet<string> } {
  const missing = new Set<string>();
  const backward: unknown = Object(spec).backward;
  if (typeof backward !== "function") return { spec, missing };
  const noting = (...args: readonly unknown[]): unknown => {
    const answer: unknown = Reflect.apply(backward, spec, args);
    const isNamed = typeof answer === "object" && answer !== null && !Array.isArray(answer);
    if (isNamed) {
      const given = new Map<string, unknown>(Object.entries(answer));
      for (const name of Object.keys(Object(args[1]))) if ((given.get(name) ?? null) === null) missing.add(name);
    }
    return answer;
  };
  return { spec: { ...spec, backward: noting }, missing };
}
