/**
 * Kinds of arguments that TypeScript's types already keep out. These checks are for callers in JavaScript, at the doors
 * that they use most: a wrong kind that is ignored, or becomes NaN, is found much later.
 */
import { describeValue } from "./format.ts";
import { Num } from "./num.ts";

/** Options in an object. Passed by position, as PyTorch takes many, they would be ignored without a word. */
export function checkOptions<T extends object>(name: string, options: T, what = "options"): T {
  if (typeof options !== "object" || options === null || Array.isArray(options) || options instanceof Num) {
    throw new TypeError(`${name}: expected ${what} as an object { name: value }, got ${describeValue(options)}`);
  }
  return options;
}

/** Options that nobody has taken: a misspelt one would be ignored. `left` is what remains beside those that are known. */
export function checkNoneLeft(name: string, left: object): void {
  for (const option in left) throw new TypeError(`${name}: expected options that it knows, got ${option}`);
}

/** true or false: of other values, "false" would be true. */
export function checkBoolean(name: string, what: string, value: boolean): boolean {
  if (typeof value === "boolean") return value;
  throw new TypeError(`${name}: expected ${what} to be true or false, got ${describeValue(value)}`);
}

/** What `body` answers, if it is no promise: what holds while `body` runs would have ended before the awaited part. */
export function runSynchronously<R>(name: string, body: () => R): R {
  if (typeof body !== "function") throw new TypeError(`${name}: expected a function, got ${describeValue(body)}`);
  const result = body();
  if (typeof result === "object" && result !== null && "then" in result) {
    Promise.resolve(result).catch(() => {}); // it was refused: were it to reject as well, Node would end the process
    throw new TypeError(`${name}: expected a synchronous function, got one that returns a promise`);
  }
  return result;
}

/** A number, NaN and infinities included. */
export function checkNumber(name: string, what: string, value: number): number {
  if (typeof value !== "number")
    throw new TypeError(`${name}: expected ${what} to be a number, got ${describeValue(value)}`);
  return value;
}
