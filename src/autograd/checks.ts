/**
 * Kinds of arguments that TypeScript's types already keep out. These checks are for callers in JavaScript, at the doors
 * that they use most: a wrong kind that is ignored, or becomes NaN, is found much later.
 */
import { describeValue } from "./format.ts";
import { unknownOption } from "./knownOptions.ts";
import { Num } from "./num.ts";

/**
 * Options in an object, all of them known. Passed by position, as PyTorch takes many, or under another name, they would be
 * ignored without a word. A list of them with one missing, or one too many, does not compile.
 */
export function checkOptions<T extends object, K extends keyof T & string>(
  name: string,
  options: T,
  known: readonly K[] & (Exclude<keyof T, K> extends never ? unknown : never),
): T {
  if (!isObject(options)) {
    const named = `{ ${known.join(", ")} }`;
    throw new TypeError(`${name}: expected options as an object ${named}, got ${describeValue(options)}`);
  }
  const unknown = unknownOption(options, known);
  if (unknown !== null) throw new TypeError(`${name}: expected ${unknown}`);
  return options;
}

/** Values by names. */
export function checkObject<T extends object>(name: string, what: string, value: T): T {
  if (isObject(value)) return value;
  throw new TypeError(`${name}: expected ${what} as an object { name: value }, got ${describeValue(value)}`);
}

/** Neither an array, typed or not, nor a Map or a tensor. */
function isObject(value: object): boolean {
  if (typeof value !== "object" || value === null || value instanceof Num) return false;
  return !(Symbol.iterator in value || value instanceof ArrayBuffer);
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
