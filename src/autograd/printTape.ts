/** The tape in text. */
import { checkOptions } from "./checks.ts";
import { formatValue } from "./format.ts";
import type { Shape } from "./shape.ts";
import { tapeOf } from "./tape.ts";
import type { Taped } from "./tape.ts";

/** Names for leaves: a module, or `{ name: tensor }`. */
export type Names<T> = { namedParameters(): Iterable<readonly [string, T]> } | Readonly<Record<string, T>>;

/**
 * The tape of a tensor in text, one record a line: inputs, then attributes, then the shape of the output. After a
 * backward without `retainGraph` the one record that is left says `consumed`.
 *
 * @param options.names a module, or an object of tensors, whose names are printed for leaves
 * @example
 * const w = tensor([1, 2], { requiresGrad: true });
 * printTape(w.mul(3).sum(), { names: { w } });
 * // %1 = mul(w[2]; other 3) : [2]
 * // %2 = sum(%1) : []
 */
export function printTape<T extends Taped<T>>(root: T, options: { readonly names?: Names<T> } = {}): string {
  const names = new Map<T, string>();
  const { names: given } = checkOptions("printTape", options, ["names"]);
  if (given) for (const [name, tensor] of entriesOf(given)) names.set(tensor, name);
  const tape = tapeOf(root);
  const numbers = new Map(tape.map((record, i) => [record, i + 1]));
  const unnamed = { leaf: 0, input: 0 };
  const nameUnnamed = (kind: "leaf" | "input"): string => kind + (unnamed[kind]++ || "");
  const show = (input: T): string => {
    if (input.record) return `%${numbers.get(input.record)}`;
    const name = names.get(input) ?? nameUnnamed(input.requiresGrad ? "leaf" : "input");
    names.set(input, name);
    return `${name}${compactShape(input.shape)}`;
  };
  return tape
    .map((record) => {
      const entries = Object.entries(record.attributes).filter(([, value]) => value !== undefined && value !== null);
      const arrays = entries.flatMap(([name, value]) => (isTypedArray(value) ? [`${name}[${value.length}]`] : []));
      const plain = entries.flatMap(([name, value]) => (isTypedArray(value) ? [] : [`${name} ${formatValue(value)}`]));
      const tensors = record.inputs.filter((input) => input !== null).map(show);
      const list = record.consumed ? "consumed" : [...tensors, ...arrays].join(", ");
      const attributes = plain.length > 0 ? `; ${plain.join(", ")}` : "";
      return `%${numbers.get(record)} = ${record.name}(${list}${attributes}) : ${compactShape(record.shape)}`;
    })
    .join("\n");
}

function entriesOf<T>(names: Names<T>): Iterable<readonly [string, T]> {
  if (isModule(names)) return names.namedParameters();
  return Object.entries(names);
}

function isModule<T>(names: Names<T>): names is { namedParameters(): Iterable<readonly [string, T]> } {
  return "namedParameters" in names && typeof names.namedParameters === "function";
}

function isTypedArray(value: unknown): value is ArrayLike<number> {
  return ArrayBuffer.isView(value) && "length" in value;
}

/** [32,64], as in the notation of compilers. */
function compactShape(shape: Shape): string {
  return `[${shape.join(",")}]`;
}
