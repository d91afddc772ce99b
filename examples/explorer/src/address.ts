/** The state as the part of an address after #, and back. A bad address is told, and the page starts as it does by itself. */
import { sizeOf } from "normgrad";
import { presets } from "./presets.ts";
import { BATCH_SIZES, defaultGradOutput, defaultX, initial } from "./state.ts";
import type { State } from "./state.ts";
import { casesOf, closestCase, descriptorOf } from "./subject.ts";
import type { Layout, Shape4 } from "./subject.ts";

/** Of the form below. An address of another version is not guessed at. */
const VERSION = "1";
/** Larger tables are neither readable nor quick. */
export const LARGEST: Shape4 = [8, 8, 4, 4];
export const MOST_CELLS = 96;

export function encode(state: State): string {
  const preset = presets.find(({ name }) => name === state.question);
  const fields = fieldsOf(state);
  const untouched = preset && fieldsOf({ ...initial, ...preset.state, question: preset.name }) === fields;
  return untouched ? `#${preset.name}` : `#${fields}`;
}

function fieldsOf(state: State): string {
  const { norm, option, layout, shape, eps, x, gradOutput, parameters, constants } = state;
  const fields = new URLSearchParams({ v: VERSION, norm, option, layout, shape: shape.join(","), eps: String(eps) });
  if (!sameNumbers(x, defaultX(shape))) fields.set("x", x.join(","));
  if (!sameNumbers(gradOutput, defaultGradOutput(shape))) fields.set("g", gradOutput.join(","));
  for (const [name, values] of Object.entries(parameters)) fields.set(`p.${name}`, values.join(","));
  if (constants) fields.set("constants", "1");
  if (state.round !== initial.round) fields.set("round", String(state.round));
  if (state.opened) fields.set("opened", "1");
  if (state.batchSize !== initial.batchSize) fields.set("batch", String(state.batchSize));
  if (state.alpha !== initial.alpha) fields.set("alpha", String(state.alpha));
  if (state.code !== null) fields.set("code", state.code);
  if (state.question !== null) fields.set("question", state.question);
  // Commas as they are: the address is read by people as well.
  return fields.toString().replaceAll("%2C", ",");
}

export function decode(hash: string): { readonly state: State; readonly problem: string | null } {
  const text = hash.replace(/^#/, "");
  if (text === "") return { state: initial, problem: null };
  const preset = presets.find(({ name }) => name === text);
  if (preset) return { state: { ...initial, ...preset.state, question: preset.name }, problem: null };
  try {
    return { state: parse(new URLSearchParams(text)), problem: null };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { state: initial, problem: `This address could not be read (${reason}). The page shows its first example.` };
  }
}

function parse(fields: URLSearchParams): State {
  const version = fields.get("v");
  if (version === null) throw new RangeError("no question is called so");
  if (version !== VERSION) throw new RangeError(`expected version ${VERSION}, got ${version}`);
  const norm = fields.get("norm") ?? "";
  if (!descriptorOf(norm)) throw new RangeError(`no norm is called “${norm}”`);
  const layout: Layout = fields.get("layout") === "NHWC" ? "NHWC" : "NCHW";
  const shape = parseShape(fields.get("shape") ?? "");
  const eps = Number(fields.get("eps") ?? "1e-5");
  if (!(eps >= 0 && eps < Infinity)) throw new RangeError(`eps is ${fields.get("eps")}`);
  const count = sizeOf(shape);
  const cases = casesOf(norm, shape, layout, eps);
  const asked = fields.get("option") ?? "";
  const chosen = cases.find(({ label }) => label === asked);
  if (cases.length > 0 && !chosen) throw new RangeError(`${norm} has no option “${asked}”`);
  const parameters: Record<string, readonly number[]> = {};
  for (const [key, text] of fields) {
    if (!key.startsWith("p.")) continue;
    const input = chosen?.inputs.slice(1).find(({ name }) => `p.${name}` === key);
    if (!input) throw new RangeError(`there is no ${key.slice(2)}`);
    parameters[input.name] = parseNumbers(input.name, text, sizeOf(input.shape));
  }
  const numbers = (key: string, fallback: readonly number[]): readonly number[] => {
    const given = fields.get(key);
    return given === null ? fallback : parseNumbers(key, given, count);
  };
  return {
    norm,
    option: chosen?.label ?? closestCase(cases, asked)?.label ?? asked,
    layout,
    shape,
    eps,
    x: numbers("x", defaultX(shape)),
    gradOutput: numbers("g", defaultGradOutput(shape)),
    parameters,
    constants: fields.get("constants") === "1",
    round: oneOf("round", fields, initial.round, (value) => Number.isInteger(value) && value >= 1 && value < 1e6),
    opened: fields.get("opened") === "1",
    batchSize: oneOf("batch", fields, initial.batchSize, (value) => BATCH_SIZES.includes(value)),
    alpha: oneOf("alpha", fields, initial.alpha, (value) => value >= 0 && value <= 1),
    code: fields.get("code"),
    question: parseQuestion(fields.get("question")),
  };
}

function oneOf(key: string, fields: URLSearchParams, fallback: number, fits: (value: number) => boolean): number {
  const text = fields.get(key);
  const value = text === null ? fallback : Number(text);
  if (!fits(value)) throw new RangeError(`${key} is ${text}`);
  return value;
}

function parseQuestion(name: string | null): string | null {
  if (name === null || presets.some((preset) => preset.name === name)) return name;
  throw new RangeError(`no question is called “${name}”`);
}

function parseShape(text: string): Shape4 {
  const sizes = text.split(",").map(Number);
  const [n = 0, c = 0, h = 0, w = 0] = sizes;
  const fits = sizes.every((size, dim) => Number.isInteger(size) && size >= 1 && size <= (LARGEST[dim] ?? 0));
  if (sizes.length !== 4 || !fits || n * c * h * w > MOST_CELLS) throw new RangeError(`the shape is ${text}`);
  return [n, c, h, w];
}

function parseNumbers(name: string, text: string, count: number): readonly number[] {
  const values = text.split(",").map((entry) => (entry.trim() === "" ? NaN : Number(entry)));
  if (values.length !== count) throw new RangeError(`expected ${count} numbers of ${name}, got ${values.length}`);
  if (!values.every(Number.isFinite)) throw new RangeError(`${name} holds something that is no number`);
  return values;
}

function sameNumbers(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((value, i) => Object.is(value, b[i]));
}
