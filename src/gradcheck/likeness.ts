/** What two Jacobians show without knowing of mean and variance: factors, indices, bits. */
import { sizeOf } from "../autograd/shape.ts";
import type { Shape } from "../autograd/shape.ts";
import { isQuick, redrawn, say, show, suspect } from "./bench.ts";
import type { Bench } from "./bench.ts";
import type { Case } from "./cases.ts";
import type { Diagnosis, Sign } from "./fault.ts";
import { cellName } from "./gradcheck.ts";
import { jacobiansOf } from "./jacobian.ts";
import type { Jacobian } from "./jacobian.ts";
import { plainCase } from "./plainCase.ts";
import { columnsOf, differs, explains, largest, ratio, ratioBy } from "./signs.ts";
import type { Pair } from "./signs.ts";
import type { AnySettings } from "./subject.ts";

/**
 * Cells whose gradient is 0 where it should not be; or, at the end of all signs, any that are wrong among right ones. They
 * may be told by their place, or by their values.
 */
export function* indexSigns(bench: Bench, looked: Case, pair: Jacobian & Pair, others = false): Generator<Diagnosis> {
  const columns = columnsOf(pair);
  const right = columns.filter((column) => column === "right").length;
  const bad = Array.from(columns.keys()).filter((j) => (others ? columns[j] !== "right" : columns[j] === "zero"));
  if (bad.length === 0 || bad.length === columns.length || right === 0) return;
  const what = others ? "wrong" : "0";
  const side = sideOf(bench, looked, pair);
  const where = side === null ? placesOf(bad, pair.shape) : `only where ${side},`;
  yield say("indices", `the gradient of ${pair.input} is ${what} ${where} and right elsewhere`);
}

/** "x < 0", if the wrong cells lie on one side of a value and the right ones on the other, in this and other draws. */
function sideOf(bench: Bench, looked: Case, pair: Jacobian & Pair): string | null {
  const draws = [2, 3, 4].flatMap((seed) => {
    const drawn = plainCase(bench.domain, looked.settings, seed);
    const found = drawn && jacobiansOf(bench.subject(drawn), drawn).find(({ input }) => input === pair.input);
    return found ? [valuesBySide(drawn, { ...found, noise: pair.noise })] : [];
  });
  const all = [valuesBySide(looked, pair), ...draws];
  const [right, wrong] = [all.flatMap((side) => side.right), all.flatMap((side) => side.wrong)];
  if (right.length < 2 || wrong.length < 2 || right.length + wrong.length < 8) return null;
  const told = (sign: string, below: number, above: number): string => {
    const at = below <= 0 && above >= 0 ? "0" : `about ${Number(((below + above) / 2).toPrecision(2))}`;
    return `${pair.input} ${sign} ${at}`;
  };
  if (Math.max(...wrong) < Math.min(...right)) return told("<", Math.max(...wrong), Math.min(...right));
  if (Math.max(...right) < Math.min(...wrong)) return told(">", Math.max(...right), Math.min(...wrong));
  return null;
}

/** The values of the cells whose gradient is right, and of the others. */
function valuesBySide({ names, inputs }: Case, pair: Jacobian & Pair): { right: number[]; wrong: number[] } {
  const columns = columnsOf(pair);
  const values = Array.from(inputs[names.indexOf(pair.input)]?.data ?? []);
  const of = (isRight: boolean): number[] => values.filter((_, cell) => (columns[cell] === "right") === isRight);
  return { right: of(true), wrong: of(false) };
}

/** The cells by a coordinate that they share and no other cell has, else one by one; by number if they have no shape. */
export function placesOf(cells: readonly number[], shape: Shape, isFlat = false): string {
  if (isFlat) return `in cells ${ranges(cells)} (of 0 … ${sizeOf(shape) - 1})`;
  const strides = shape.map((_, dim) => sizeOf(shape.slice(dim + 1)));
  const coordinate = (cell: number, dim: number): number => Math.floor(cell / (strides[dim] ?? 1)) % (shape[dim] ?? 1);
  for (const [dim, size] of shape.entries()) {
    const shared = [...new Set(cells.map((cell) => coordinate(cell, dim)))].toSorted((a, b) => a - b);
    if (shared.length < size && shared.length * (sizeOf(shape) / size) === cells.length) {
      return `where dim ${dim} is ${ranges(shared)} (of 0 … ${size - 1})`;
    }
  }
  const names = cells.slice(0, 6).map((cell) => cellName(cell, shape));
  return `at ${names.join(" ")}${cells.length > names.length ? " …" : ""}`;
}

/** 0, 1, 2, 3, 7 as "0 … 3, 7". */
function ranges(numbers: readonly number[]): string {
  const runs: [first: number, last: number][] = [];
  for (const number of numbers) {
    const run = runs.at(-1);
    if (run?.[1] === number - 1) run[1] = number;
    else runs.push([number, number]);
  }
  const told = runs.flatMap(([first, last]) =>
    last - first < 3 ? Array.from({ length: last - first + 1 }, (_, i) => String(first + i)) : [`${first} … ${last}`],
  );
  return told.slice(0, 8).join(", ") + (told.length > 8 ? ", …" : "");
}

/** More is no slip of a factor: where all terms cancel there is only noise to divide by. */
const LARGEST_FACTOR = 1e6;

/** Right but for one factor, whatever the data. Does it depend on the sizes? */
export function* factorSigns(bench: Bench, looked: Case, pair: Jacobian & Pair): Generator<Sign> {
  const factor = ratio(pair);
  if (factor === null || Math.abs(factor) > LARGEST_FACTOR) return;
  const isSame = (other: number): boolean => Math.abs(other - factor) <= 0.05 * Math.abs(factor - 1);
  const factorAt = (settings: AnySettings, seed: number): number[] => {
    const other = redrawn(bench, settings, seed, pair);
    // Where all terms cancel, as in sets of two without eps, there is only noise to compare.
    const isThere = other !== null && largest(other.exact) > 1e-6 * largest(pair.exact);
    return isThere && differs(other) ? [ratio(other) ?? NaN] : [];
  };
  // With other data, or other options, another factor: then it is none of the sizes'.
  const options = Object.entries(bench.domain.params ?? {}).flatMap(([name, values]) =>
    values.map((value) => ({ ...looked.settings, [name]: value })),
  );
  if (![looked.settings, ...options].flatMap((settings) => factorAt(settings, 2)).every(isSame)) return;
  const elsewhere = bench.draws.flatMap(({ settings }) => (isQuick(settings, bench) ? factorAt(settings, 3) : []));
  const known = elsewhere.filter((value) => !Number.isNaN(value));
  // Where the right gradient is 0, a factor of it is, too.
  const rest = pair.exact.map((row, i) => row.map((value, j) => (pair.analytic[i]?.[j] ?? NaN) - factor * value));
  const fits = largest(rest) <= 1e3 * pair.noise * Math.max(1, Math.abs(factor)) * largest(pair.exact);
  if (Math.abs(factor) < pair.noise) {
    // Of a set of two all terms may cancel: with other sizes it is not 0.
    const tell = fits && elsewhere.slice(0, 12).every(isSame) ? say : suspect;
    if (pair.input === looked.names[0])
      yield tell("gradOutput", `the gradient of ${pair.input} is 0: no gradOutput arrives`);
    return;
  }
  const text = `the gradient of ${pair.input} is ${show(factor)} times the right one`;
  const tell = fits ? say : suspect;
  yield known.slice(0, 12).every(isSame)
    ? tell("factor", `${text}, always`)
    : tell("count", `${text}; the factor depends on the sizes`);
}

/** Right in each set but for a factor that is the set's own. */
export function* scaleSigns(bench: Bench, looked: Case, pair: Jacobian & Pair): Generator<Sign> {
  const [byRow, byColumn] = [ratioBy(pair, "row"), ratioBy(pair, "column")];
  const factors = byRow ?? byColumn;
  if (factors === null) return;
  const bare =
    typeof looked.settings["eps"] === "number" ? redrawn(bench, { ...looked.settings, eps: 0 }, 1, pair) : null;
  const factor = bare && ratio(bare);
  if (factor !== null && Math.abs(factor - 1) > 1e-6) {
    yield say("count", `without eps the gradient of ${pair.input} is ${show(factor)} times the right one`);
    return;
  }
  const isOne = (value: number): boolean => Math.abs(value - 1) <= 1e3 * pair.noise;
  const shown = [...new Set(factors.map((value) => show(isOne(value) ? 1 : value)))].slice(0, 4).join(", ");
  const tell = explains(pair, byRow === null ? "column" : "row") ? say : suspect;
  yield tell("rstd", `each set is right but for a factor that depends on the data: ${shown}`);
}

/** Right in its leading bits only. */
export function* precisionSigns(pair: Jacobian & Pair): Generator<Diagnosis> {
  const scale = largest(pair.exact);
  const off = largest(pair.exact.map((row, i) => row.map((value, j) => (pair.analytic[i]?.[j] ?? NaN) - value)));
  if (off < 1e-5 * scale)
    yield say("precision", `the gradient of ${pair.input} agrees to ${Math.floor(-Math.log2(off / scale))} bits`);
}
