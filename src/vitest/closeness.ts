/** How far two arrays of numbers are apart, in units of the last place and relative to the largest magnitude. */
import { formatNumber } from "../autograd/format.ts";
import { NdArray } from "../autograd/ndarray.ts";
import type { Dtype } from "../autograd/ndarray.ts";
import { formatShape, sameShape } from "../autograd/shape.ts";
import { cellName } from "../gradcheck/gradcheck.ts";

/** One of two measures; `equalNan` (default false) lets NaN stand where NaN is expected. */
export type Tolerance = { readonly equalNan?: boolean } & (
  | {
      /** How many representable numbers of the dtype lie between the two at most. Default 4. */
      readonly ulps?: number;
      readonly scale?: never;
    }
  | {
      /** The largest difference, relative to the largest finite magnitude of all expected values. */
      readonly scale: number;
      readonly ulps?: never;
    }
);

/** Numbers that were written as nested arrays have no dtype of their own: they take that of the other side. */
export interface Given {
  readonly array: NdArray;
  readonly dtype: Dtype | null;
}

export interface Closeness {
  readonly pass: boolean;
  /** Of a failure what is wrong, of a pass how close it was. */
  readonly found: string;
}

export function compare(actual: Given, expected: Given, tolerance: Tolerance): Closeness {
  if (!sameShape(actual.array.shape, expected.array.shape)) {
    return fail(`expected shape ${formatShape(expected.array.shape)}, got shape ${formatShape(actual.array.shape)}`);
  }
  if (actual.dtype !== null && expected.dtype !== null && actual.dtype !== expected.dtype) {
    return fail(`expected dtype ${expected.dtype}, got ${actual.dtype}`);
  }
  const dtype = actual.dtype ?? expected.dtype ?? "float64";
  const got = actual.array.to(dtype);
  const wanted = expected.array.to(dtype);
  const { equalNan = false, scale, ulps = 4 } = tolerance;
  const sizes = Array.from(wanted.data, Math.abs).filter(Number.isFinite);
  const largest = sizes.reduce((a, b) => Math.max(a, b), 0);
  const cells = Array.from(wanted.data, (want, i) => distanceOf(got.data[i] ?? NaN, want, dtype, largest, equalNan));
  const errorOf = ({ inUlps, inScale }: Distance): number => (scale === undefined ? inUlps : inScale);
  const allowed = scale ?? ulps;
  const wrong = cells.filter((distance) => errorOf(distance) > allowed).length;
  const worst = cells.reduce((at, d, i) => (errorOf(d) > errorOf(cells[at] ?? d) ? i : at), 0);
  const { inUlps, inScale } = cells[worst] ?? { inUlps: 0, inScale: 0 };
  const measure =
    scale === undefined ? `${count(ulps)} of ${dtype}` : `${formatNumber(scale)} of the largest magnitude`;
  const place =
    cells.length === 0
      ? "there are no values"
      : `worst at ${cellName(worst, wanted.shape)}: got ${got.data[worst]}, expected ${wanted.data[worst]}, ` +
        `apart by ${count(inUlps)}, by ${Number(inScale.toPrecision(3))} of the largest magnitude ${formatNumber(largest)}`;
  if (wrong === 0) return { pass: true, found: `all ${cells.length} values are within ${measure}; ${place}` };
  return fail(`expected every value within ${measure}, ${wrong} of ${cells.length} are not\n  ${place}`);
}

interface Distance {
  readonly inUlps: number;
  readonly inScale: number;
}

/** Infinite where one is NaN, or one is infinite and the other is not the same infinity. */
function distanceOf(got: number, want: number, dtype: Dtype, largest: number, equalNan: boolean): Distance {
  if (got === want || (equalNan && Number.isNaN(got) && Number.isNaN(want))) return { inUlps: 0, inScale: 0 };
  if (!Number.isFinite(got) || !Number.isFinite(want)) return { inUlps: Infinity, inScale: Infinity };
  return {
    inUlps: Math.abs(Number(ordinal(got, dtype) - ordinal(want, dtype))),
    inScale: Math.abs(got - want) / largest,
  };
}

const view = new DataView(new ArrayBuffer(8));

/** The position of a number among those that the dtype can hold: 0 is 0, the next above 0 is 1. */
function ordinal(value: number, dtype: Dtype): bigint {
  const bits = dtype === "float64" ? 64 : 32;
  if (bits === 64) view.setFloat64(0, value);
  else view.setFloat32(0, value);
  const word = bits === 64 ? view.getBigInt64(0) : BigInt(view.getInt32(0));
  return word >= 0n ? word : -BigInt.asUintN(bits - 1, word);
}

function count(ulps: number): string {
  return `${formatNumber(ulps < 1e6 ? ulps : Number(ulps.toPrecision(3)))} ${ulps === 1 ? "ulp" : "ulps"}`;
}

function fail(found: string): Closeness {
  return { pass: false, found };
}
