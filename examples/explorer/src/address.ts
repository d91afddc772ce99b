/** The state as the part of an address after #, and back. What of an address was not understood is told. */
import { sizeOf } from "normgrad";
import { partOf } from "./partNames.ts";
import { presets } from "./presets.ts";
import { runningInputs } from "./running.ts";
import { BATCH_SIZES, defaultGradOutput, defaultX, initial } from "./state.ts";
import type { State } from "./state.ts";
import { casesOf, closestCase, descriptorOf, givenShape, roomyCases } from "./subject.ts";
import type { Layout, Shape4 } from "./subject.ts";

/** Of the form below. An address of another version is not guessed at. */
const VERSION = "1";
/** Larger tables are neither readable nor quick. */
export const LARGEST: Shape4 = [8, 8, 4, 4];
export const MOST_CELLS = 96;
const KEYS: ReadonlySet<string> = new Set(
  "v norm option layout shape eps x g constants round opened batch mix alpha code question cell".split(" "),
);

/** @param cell the marked one */
export function encode(state: State, cell = 0): string {
  const preset = presets.find(({ name }) => name === state.question);
  const fields = fieldsOf(state);
  const untouched = preset && fieldsOf({ ...initial, ...preset.state, question: preset.name }) === fields;
  return untouched ? `#${preset.name}` : `#${fields}${cell > 0 ? `&cell=${cell}` : ""}`;
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
  if (state.mixBatch !== initial.mixBatch) fields.set("mix", String(state.mixBatch));
  if (state.alpha !== initial.alpha) fields.set("alpha", String(state.alpha));
  if (state.code !== null) fields.set("code", state.code);
  if (state.question !== null) fields.set("question", state.question);
  // Commas as they are: the address is read by people as well.
  return fields.toString().replaceAll("%2C", ",");
}

/** The marked cell of an address; null if it names none. */
export function cellOf(hash: string): number | null {
  const cell = /[#&]cell=(\d{1,3})(&|$)/.exec(hash)?.[1];
  return cell === undefined ? null : Number(cell);
}

export function decode(hash: string): { readonly state: State; readonly problem: string | null } {
  const text = hash.replace(/^#/, "");
  if (text === "" || partOf(text)) return { state: initial, problem: null };
  const preset = presets.find(({ name }) => name === text);
  if (preset) return { state: { ...initial, ...preset.state, question: preset.name }, problem: null };
  try {
    const unread: string[] = [];
    const state = parse(new URLSearchParams(text), unread);
    const problem =
      unread.length > 0
        ? `Not understood in this address, and left out: ${unread.join("; ")}. The rest is shown.`
        : null;
    return { state, problem };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { state: initial, problem: `This address could not be read (${reason}). The page shows its first example.` };
  }
}

/** @param unread takes what was not understood and can be left out */
function parse(fields: URLSearchParams, unread: string[]): State {
  const version = fields.get("v");
  if (version === null) throw new RangeError("no question is called so");
  if (version !== VERSION) throw new RangeError(`expected version ${VERSION}, got ${version}`);
  for (const [key, value] of fields) if (!KEYS.has(key) && !key.startsWith("p.")) unread.push(`${key}=${value}`);
  const norm = fields.get("norm") ?? initial.norm;
  if (!descriptorOf(norm)) throw new RangeError(`no norm is called “${norm}”`);
  const layout: Layout = choice("layout", fields, unread, ["NCHW", "NHWC"]) === "NHWC" ? "NHWC" : "NCHW";
  const given = fields.get("shape");
  const shape = given === null ? initial.shape : parseShape(given);
  const eps = Number(fields.get("eps") ?? "1e-5");
  if (!(eps >= 0 && eps < Infinity)) throw new RangeError(`eps is ${fields.get("eps")}`);
  const count = sizeOf(shape);
  const cases = casesOf(norm, shape, layout, eps);
  const asked = fields.get("option");
  const chosen = asked === null ? closestCase(cases, "") : cases.find(({ label }) => label === asked);
  // What the library has for larger shapes is asked for, and refused by the library itself.
  const option = chosen?.label ?? roomyCases(norm, shape, layout).find(({ label }) => label === asked)?.label;
  if (option === undefined && (cases.length > 0 || asked === null)) {
    throw new RangeError(`${norm} has no option “${asked ?? ""}”`);
  }
  const running = runningInputs(norm, option ?? "", givenShape(shape, layout));
  const parameters: Record<string, readonly number[]> = {};
  for (const [key, text] of fields) {
    if (!key.startsWith("p.")) continue;
    const input = [...(chosen?.inputs.slice(1) ?? []), ...running].find(({ name }) => `p.${name}` === key);
    if (!input) throw new RangeError(`there is no ${key.slice(2)}`);
    parameters[input.name] = parseNumbers(input.name, text, sizeOf(input.shape));
  }
  const numbers = (key: string, fallback: readonly number[]): readonly number[] => {
    const given = fields.get(key);
    return given === null ? fallback : parseNumbers(key, given, count);
  };
  const cell = fields.get("cell");
  if (cell !== null && !(/^\d+$/.test(cell) && Number(cell) < count)) unread.push(`cell=${cell}`);
  const isBatch = (value: number): boolean => BATCH_SIZES.includes(value);
  return {
    norm,
    option: option ?? asked ?? "",
    layout,
    shape,
    eps,
    x: numbers("x", defaultX(shape)),
    gradOutput: numbers("g", defaultGradOutput(shape)),
    parameters,
    constants: choice("constants", fields, unread, ["0", "1"]) === "1",
    round: oneOf("round", fields, initial.round, (value) => Number.isInteger(value) && value >= 1 && value < 1e6),
    opened: choice("opened", fields, unread, ["0", "1"]) === "1",
    batchSize: oneOf("batch", fields, initial.batchSize, isBatch),
    mixBatch: oneOf("mix", fields, initial.mixBatch, isBatch),
    alpha: oneOf("alpha", fields, initial.alpha, (value) => value >= 0 && value <= 1),
    code: fields.get("code"),
    question: parseQuestion(fields.get("question")),
  };
}

function choice(key: string, fields: URLSearchParams, unread: string[], words: readonly string[]): string | null {
  const text = fields.get(key);
  if (text === null || words.includes(text)) return text;
  unread.push(`${key}=${text}`);
  return null;
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
