/**
 * What checkOp is given, looked at before anything is drawn: TypeScript's types keep most of this out, but not from callers
 * in JavaScript, and a misspelled option that is ignored is a check that was never made.
 */
import { describeValue } from "../autograd/format.ts";
import { unknownOption } from "../autograd/knownOptions.ts";
import type { Domain } from "./cases.ts";
import { OpFault } from "./answers.ts";
import type { OpFunctions } from "./subject.ts";

const SPEC_KEYS = ["dims", "params", "where", "dtypes", "inputs", "forward", "plainForward"];
const BACKWARDS = ["backward", "formulaBackward", "op"];
const OPTION_KEYS = ["runs", "seed", "path", "order", "tolerance", "maxCells", "raiseException"];

type Fields = Readonly<Record<string, unknown>>;

/** @throws OpFault that names the op, what is expected, and what there is */
export function checkSpec(name: string, spec: object, options: object): void {
  if (typeof name !== "string" || name.trim() === "") {
    throw new OpFault(`checkOp: expected the name of an op, got ${describeValue(name)}`);
  }
  const fault = firstFault(spec, options);
  if (fault !== null) throw new OpFault(`${name}: expected ${fault}`);
}

/** "dims as …, got …", or null. */
function firstFault(spec: unknown, options: unknown): string | null {
  if (!isFields(spec)) return `a spec as an object { dims, inputs, forward, backward }, got ${describeValue(spec)}`;
  if (!isFields(options)) return `options as an object { name: value }, got ${describeValue(options)}`;
  return faultOfFunctions(spec) ?? faultOfDomain(spec) ?? faultOfOptions(options);
}

function faultOfFunctions(spec: Fields): string | null {
  const keys = [...SPEC_KEYS, ...BACKWARDS];
  const unknown = Object.keys(spec).find((key) => !keys.includes(key));
  if (unknown !== undefined) return `a spec of ${keys.join(", ")}, got ${unknown}`;
  const given = (among: readonly string[]): string[] => among.filter((key) => spec[key] !== undefined);
  const forwards = given(["forward", "plainForward"]);
  if (forwards.length !== 1) return `one of forward and plainForward, got ${forwards.join(" and ") || "neither"}`;
  const backwards = given(BACKWARDS);
  if (backwards.length !== 1) return `one of ${BACKWARDS.join(", ")}, got ${backwards.join(" and ") || "none"}`;
  const odd = ["inputs", ...forwards, ...backwards, ...given(["where"])].find((key) => typeof spec[key] !== "function");
  return odd === undefined ? null : `${odd} as a function, got ${describeValue(spec[odd])}`;
}

function faultOfDomain({ dims, params = {}, dtypes = ["float64"] }: Fields): string | null {
  if (!isFields(dims)) return `dims as an object { name: [smallest, largest] }, got ${describeValue(dims)}`;
  for (const [name, range] of Object.entries(dims)) {
    const [min, max]: unknown[] = Array.isArray(range) && range.length === 2 ? range : [];
    if (!(isCount(min, 0) && isCount(max, min))) {
      return `dims.${name} as [smallest, largest] whole numbers, got ${describeValue(range)}`;
    }
  }
  if (!isFields(params)) return `params as an object { name: [value, …] }, got ${describeValue(params)}`;
  for (const [name, values] of Object.entries(params)) {
    if (name in dims) return `names of params that are none of dims, got ${name}`;
    if (!(Array.isArray(values) && values.length > 0)) {
      return `params.${name} as an array of a value or more, got ${describeValue(values)}`;
    }
  }
  const known = (dtype: unknown): boolean => dtype === "float64" || dtype === "float32";
  if (!(Array.isArray(dtypes) && dtypes.length > 0 && dtypes.every(known))) {
    return `dtypes as an array of "float64" and "float32", got ${describeValue(dtypes)}`;
  }
  return null;
}

function faultOfOptions(options: Fields): string | null {
  const { runs = 1, seed = 0, path = "", order = 1, tolerance = 0, maxCells = 1, raiseException = true } = options;
  const unknown = unknownOption(options, OPTION_KEYS);
  if (unknown !== null) return unknown;
  if (!isCount(runs, 1)) return `runs as a whole number of at least 1, got ${describeValue(runs)}`;
  if (!Number.isSafeInteger(seed)) return `seed as a whole number, got ${describeValue(seed)}`;
  if (typeof path !== "string" || !/^(\d+(:\d+)*)?$/.test(path)) {
    return `path as a report names it, like "3:0:1", got ${describeValue(path)}`;
  }
  if (order !== 1 && order !== 2) return `order 1 or 2, got ${describeValue(order)}`;
  if (tolerance !== "proven" && !(typeof tolerance === "number" && tolerance >= 0 && Number.isFinite(tolerance))) {
    return `tolerance "proven" or a number of at least 0, got ${describeValue(tolerance)}`;
  }
  if (!isCount(maxCells, 1)) return `maxCells as a whole number of at least 1, got ${describeValue(maxCells)}`;
  return typeof raiseException === "boolean"
    ? null
    : `raiseException true or false, got ${describeValue(raiseException)}`;
}

/** What the kinds of the functions do not allow: float32 and second derivatives need a formula to be judged by. */
export function faultOfKinds(
  { plainForward, op, formulaBackward, dtypes = ["float64"] }: OpFunctions & Pick<Domain, "dtypes">,
  { order }: { readonly order?: 1 | 2 },
): string | null {
  if (plainForward !== undefined && dtypes.includes("float32"))
    return "a formula as the forward for float32, got plain code";
  if (order !== 2) return null;
  if (plainForward !== undefined) return "a formula as the forward for order 2, got plain code";
  return op === undefined && formulaBackward === undefined
    ? "an op or a formula as the backward for order 2, got plain code, whose own gradients are not known"
    : null;
}

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isCount(value: unknown, min: number | unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= Number(min);
}
