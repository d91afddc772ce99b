/** How numbers are shown. */

/** As much as a cell holds: 0.37, −12.5, 4e-6. */
export function short(value: number): string {
  if (Number.isNaN(value)) return "–";
  const size = Math.abs(value);
  if (size === 0) return "0";
  // What rounding leaves of a zero.
  if (size < 1e-13) return "≈0";
  if (size < 0.005) return signed(value.toExponential(0));
  if (size >= 1e5) return signed(value.toExponential(1).replace("e+", "e"));
  return signed(value.toFixed(size < 10 ? 2 : size < 1000 ? 1 : 0));
}

/** For a sentence: seven digits. */
export function exact(value: number): string {
  if (Number.isNaN(value)) return "not defined";
  const text = String(Number(value.toPrecision(7)));
  return signed(text);
}

/** The size of an error. */
export function tiny(value: number): string {
  if (value === 0) return "0";
  return value >= 0.01 && value < 1000 ? String(Number(value.toPrecision(2))) : value.toExponential(1);
}

export function signed(text: string): string {
  return text.replace(/^-/, "−");
}

/** What a visitor types: a minus of either kind, a comma for a point. Null if it is no number. */
export function parseNumber(text: string): number | null {
  const plain = text.trim().replace("−", "-").replace(",", ".");
  const value = plain === "" ? NaN : Number(plain);
  return Number.isFinite(value) ? value : null;
}

/** Why an entry is none, in a sentence. */
export function refusalOfEntry(text: string): string {
  const plain = text.trim().replace("−", "-").replace(",", ".");
  if (plain === "") return "The entry was empty.";
  return /^-?(\d|\.)/.test(plain) && Math.abs(Number(plain)) === Infinity
    ? `“${text}” is too large for a double.`
    : `“${text}” is no number.`;
}

export function largest(...lists: readonly (readonly number[])[]): number {
  return lists.flat().reduce((most, value) => Math.max(most, Math.abs(value) || 0), 0);
}
