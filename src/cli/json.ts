/** The JSON document of --json. */
import type { CheckOpResult } from "../gradcheck/checkOp.ts";
import { errorMap, ulpsOf } from "../gradcheck/report.ts";
import type { CheckedOp, FileError } from "./runFiles.ts";

/** NaN and infinities, which JSON does not have, are strings. */
export function toJson(ops: readonly CheckedOp[], errors: readonly FileError[]): string {
  const right = ops.filter(({ result }) => result?.ok === true).length;
  const document = {
    ok: right === ops.length && errors.length === 0,
    checked: ops.length,
    right,
    wrong: ops.length - right,
    ops: ops.map(opOf),
    errors,
  };
  return JSON.stringify(document, plain, 2);
}

function opOf({ file, name, result, fault }: CheckedOp): object {
  if (result === null) {
    return { file, name, ok: false, cases: 0, skipped: 0, traps: {}, report: fault, fault, failure: null };
  }
  const { ok, cases, skipped, traps, report, failure } = result;
  return { file, name, ok, cases, skipped, traps, report, fault, failure: failure && failureOf(failure) };
}

function failureOf(failure: NonNullable<CheckOpResult["failure"]>): object {
  const { case: drawn, mismatch, gradOutput, diagnosis, seed, path } = failure;
  const { array, shape, worst, analytic, exact, reference, error, bound, basis } = mismatch;
  return {
    array,
    index: positionOf(worst, shape),
    analytic: analytic[worst],
    exact: exact[worst],
    reference,
    error: error[worst],
    ulps: ulpsOf(error[worst], exact[worst]),
    bound: bound[worst],
    basis,
    shape,
    errors: Array.from(error),
    bounds: Array.from(bound),
    errorMap: errorMap(mismatch),
    settings: drawn.settings,
    shapes: Object.fromEntries(drawn.names.map((name, i) => [name, drawn.inputs[i]?.shape])),
    inputs: Object.fromEntries(drawn.names.map((name, i) => [name, Array.from(drawn.inputs[i]?.data ?? [])])),
    gradOutput: Array.from(gradOutput),
    seed,
    path,
    diagnosis,
  };
}

function positionOf(cell: number, shape: readonly number[]): number[] {
  let rest = cell;
  const position = shape.toReversed().map((size) => {
    const at = rest % size;
    rest = Math.floor(rest / size);
    return at;
  });
  return position.toReversed();
}

function plain(_: string, value: unknown): unknown {
  const isPlain = typeof value !== "number" || Number.isFinite(value);
  return isPlain && typeof value !== "bigint" && typeof value !== "function" ? value : String(value);
}
