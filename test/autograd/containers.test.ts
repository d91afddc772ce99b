import { describe, expect, test } from "vitest";
import { entriesOf, heldIn } from "../../src/autograd/containers.ts";

class Insides {
  readonly date = new Date(0);
}

describe("heldIn", () => {
  const isDate = (value: object): value is Date => value instanceof Date;
  const date = new Date(1);

  test("finds what stands in attributes, arrays, plain objects, Maps and Sets, at any depth, by its path", () => {
    const holder = {
      own: date,
      list: [0, [date], null],
      byName: { left: date, none: undefined, deep: new Map<unknown, unknown>([["a", [date]], [7, date]]) }, // prettier-ignore
      set: new Set([date]),
      bare: Object.assign(Object.create(null), { key: date }),
    };
    expect(heldIn(holder, isDate).map(([path, value]) => (value === date ? path : null))).toEqual([
      "own",
      "list.1.0",
      "byName.left",
      "byName.deep.a.0",
      "byName.deep.7",
      "set.0",
      "bare.key",
    ]);
  });

  test("an object of a class keeps what is in it, and a private field cannot be seen", () => {
    class Holder {
      readonly #hidden = date;
      readonly insides = new Insides();
      get hidden(): Date {
        return this.#hidden;
      }
    }
    expect(heldIn(new Holder(), isDate)).toEqual([]);
  });

  test("a container that holds itself ends there", () => {
    const list: unknown[] = [date];
    list.push(list, { list });
    expect(heldIn({ list }, isDate).map(([path]) => path)).toEqual(["list.0"]);
  });
});

describe("entriesOf", () => {
  test("numbers what has no keys", () => {
    expect([...entriesOf(["a", "b"])]).toEqual([...entriesOf(new Set(["a", "b"]))]);
    expect([...entriesOf(new Map([["k", 1]]))]).toEqual([...entriesOf({ k: 1 })]);
    expect([...entriesOf(new Float64Array(2))]).toEqual([]);
  });
});
