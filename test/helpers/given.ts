/** A value that is there; noUncheckedIndexedAccess asks for it where a list is taken apart. */
export function given<T>(value: T | null | undefined): T {
  if (value === undefined || value === null) throw new RangeError("given: expected a value, got none");
  return value;
}
