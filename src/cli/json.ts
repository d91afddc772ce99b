/** The JSON document of --json. */
import type { CheckOpResult } from "../gradcheck/checkOp.ts";
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
  const { case: drawn, mismatch, diagnosis, seed, path } = failure;
  const { array, shape, worst, analytic, exact, error, bound, basis } = mismatch;
  return {
    array,
    index: positionOf(worst, shape),
    analytic: analytic[worst],
    exact: exact[worst],
    error: error[worst],
    bound: bound[worst],
    basis,
    settings: drawn.settings,
    shapes: Object.fromEntries(drawn.names.map((name, i) => [name, drawn.inputs[i]?.shape])),
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
