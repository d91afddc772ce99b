/**
 * All that a training has, in one file: a safetensors file whose tensors are named by their paths, `model.0.weight`,
 * `optimizer.state.0.expAvg`. The rest (rates, counts, switches) is JSON in the metadata, in which each tensor's place is
 * marked with its name.
 */
import { checkObject, checkOptions } from "../autograd/checks.ts";
import { describeValue, formatNames } from "../autograd/format.ts";
import { Tensor } from "../autograd/tensor.ts";
import { loadSafetensors, safetensorsMetadata, saveSafetensors } from "./safetensors.ts";

/** What has a state: a module, an optimizer, a schedule. */
export interface Stateful {
  stateDict(): object;
  loadStateDict(state: never): unknown;
}

/** The key of the metadata that holds the JSON. */
const KEY = "checkpoint";

/**
 * The states of several things in one file, by names: model, optimizer, schedule. `loadCheckpoint` puts them back. Other
 * programs read it as a safetensors file, with the model's tensors under `model.`, if that is its name.
 *
 * What draws random numbers (shuffling, dropout) is not in it: a resumed training draws others.
 *
 * @param parts modules, optimizers and schedules, by names of your own
 * @param options.metadata written beside them, for `safetensorsMetadata`: the epoch, the best accuracy. Default: none
 * @throws TypeError if a part has no state
 * @example
 * const model = new Linear(2, 1);
 * const optimizer = new Adam(model.parameters());
 * const bytes = saveCheckpoint({ model, optimizer }, { metadata: { epoch: "3" } }); // for writeFileSync
 * loadCheckpoint(bytes, { model, optimizer });
 */
export function saveCheckpoint(
  parts: Readonly<Record<string, Stateful>>,
  options: { readonly metadata?: Readonly<Record<string, string>> } = {},
): Uint8Array {
  const { metadata = {} } = checkOptions("saveCheckpoint", options, ["metadata"]);
  const tensors: Record<string, Tensor> = {};
  const states = checkedParts("saveCheckpoint", parts).map(([name, part]) => [
    name,
    withNames(part.stateDict(), name, tensors),
  ]);
  const json = JSON.stringify(Object.fromEntries(states));
  return saveSafetensors(tensors, { metadata: { ...metadata, [KEY]: json } });
}

/**
 * Gives the states of a file of `saveCheckpoint` back to the parts that have these names. What else the file has is left
 * alone: `{ model }` is enough to use a trained model.
 *
 * @throws RangeError if the file is no checkpoint or has no state of a part; and what the `loadStateDict` of a part throws.
 * Nothing has been changed then
 * @example
 * const model = new Linear(2, 1);
 * const bytes = saveCheckpoint({ model }); // as readFileSync gives them
 * const again = new Linear(2, 1);
 * loadCheckpoint(bytes, { model: again });
 * again.weight.sub(model.weight).toArray(); // [[0, 0]]
 */
export function loadCheckpoint(bytes: Uint8Array | ArrayBuffer, parts: Readonly<Record<string, Stateful>>): void {
  const wanted = checkedParts("loadCheckpoint", parts);
  const json = safetensorsMetadata(bytes)[KEY];
  if (json === undefined) {
    throw new RangeError("loadCheckpoint: expected a file of saveCheckpoint, got one without the states' JSON");
  }
  const tensors = loadSafetensors(bytes);
  const states: ReadonlyMap<string, unknown> = new Map(
    Object.entries(JSON.parse(json, (_, value: unknown) => (isMark(value) ? tensors[value[MARK]] : value))),
  );
  const missing = wanted.map(([name]) => name).filter((name) => !states.has(name));
  if (missing.length > 0) {
    const saved = formatNames([...states.keys()]) || "none";
    throw new RangeError(`loadCheckpoint: expected the states of ${formatNames(missing)} in the file, got ${saved}`);
  }
  const before = wanted.map(([, part]) => [part, part.stateDict()] as const);
  try {
    for (const [name, part] of wanted) load(part, states.get(name));
  } catch (error) {
    for (const [part, state] of before) load(part, state);
    throw error;
  }
}

const MARK = "$tensor";

function isMark(value: unknown): value is { readonly [MARK]: string } {
  return typeof value === "object" && value !== null && MARK in value;
}

/** A state as JSON can hold it; the tensors are collected. */
function withNames(value: unknown, path: string, tensors: Record<string, Tensor>): unknown {
  if (value instanceof Tensor) {
    tensors[path] = value;
    return { [MARK]: path };
  }
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map((entry: unknown, i) => withNames(entry, `${path}.${i}`, tensors));
  const entries = Object.entries(value).map(([key, entry]: [string, unknown]) => [
    key,
    withNames(entry, `${path}.${key}`, tensors),
  ]);
  return Object.fromEntries(entries);
}

/** Each part checks what it is given. */
function load(part: Stateful, state: unknown): void {
  Reflect.apply(part.loadStateDict, part, [state]);
}

function checkedParts(
  name: string,
  parts: Readonly<Record<string, Stateful>>,
): readonly (readonly [name: string, part: Stateful])[] {
  const entries = Object.entries(checkObject(name, "modules, optimizers and schedules", parts));
  for (const [key, part] of entries) {
    if (typeof part?.stateDict !== "function" || typeof part.loadStateDict !== "function") {
      throw new TypeError(
        `${name}: expected ${key} to be a module, an optimizer or a schedule, got ${describeValue(part)}`,
      );
    }
  }
  return entries;
}
