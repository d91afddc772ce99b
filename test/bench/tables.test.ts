import { describe, expect, test } from "vitest";
import { elementsOf, shapes } from "../../bench/cases.ts";
import { showNumber, showTime, textTable } from "../../bench/format.ts";
import { ratioOf } from "../../bench/measurement.ts";
import { accuracyRows, memoryRows, notes, ratioRows, shapeRows, timeRows } from "../../bench/tables.ts";
import { measured, results } from "./results.ts";

const LN = "ln-512x768";

describe("ratioOf", () => {
  test("it is the median of each round's quotient, not the quotient of medians", () => {
    // The third round was disturbed, both alike.
    const all = results(measured(LN, { "normgrad-wasm": [10, 10, 30], pytorch: [20, 40, 120] }));
    expect(ratioOf(all, "times", LN, "pytorch", "normgrad-wasm")).toEqual({ median: 4, min: 2, max: 4 });
    expect(ratioOf(all, "times", LN, "deepbox", "normgrad-wasm")).toBeNull();
  });

  test("a round that one of both lacks does not count", () => {
    const all = results([...measured(LN, { "normgrad-wasm": [10, 10] }), ...measured(LN, { pytorch: [30] })]);
    expect(ratioOf(all, "times", LN, "pytorch", "normgrad-wasm")).toEqual({ median: 3, min: 3, max: 3 });
  });
});

describe("ratioRows", () => {
  const all = results(
    [
      ...measured(LN, { "normgrad-typescript": [2e6, 2e6], pytorch: [5e5, 5e5] }),
      ...measured(LN, { "tfjs-wasm": [8e6, 8e6] }, { fromPrimitives: true }),
      ...measured("mlp", { "normgrad-typescript": [1e6], pytorch: [2e6] }),
    ],
    [{ table: "times", case: "mlp", contestant: "tfjs-wasm", missing: "wrong", reason: "error 5.0e-1" }],
  );

  test("times are over those of our default backend; what is written from primitives is marked", () => {
    expect(ratioRows(all)).toEqual([
      ["", "time", "typescript", "tfjs wasm", "PyTorch"],
      ["LN 512×768", "2.00 ms", "1", "4*", "0.25"],
      ["MLP step 64-128-128-10", "1.00 ms", "1", "wrong", "2"],
    ]);
  });

  test("without it, over the first that was measured", () => {
    const others = results(measured(LN, { deepbox: [3000], pytorch: [1500] }));
    expect(ratioRows(others)).toEqual([
      ["", "time", "deepbox", "PyTorch"],
      ["LN 512×768", "3.00 µs", "1", "0.5"],
    ]);
  });

  test("who has no such op gets a dash and no note; who cannot run gets a note and no column", () => {
    const some = results(measured(LN, { "normgrad-typescript": [1], c: [1] }), [
      { table: "times", case: "mlp", contestant: "c", missing: "op", reason: "has no such op" },
      { table: "times", case: LN, contestant: "normgrad-wasm", missing: "contestant", reason: "not available" },
    ]);
    expect(ratioRows(some)[2]).toEqual(["MLP step 64-128-128-10", "", "", "–"]);
    expect(notes(some)).toEqual(["wasm: not available"]);
  });

  test("nothing measured gives no rows", () => {
    expect(ratioRows(results([]))).toEqual([]);
  });
});

test("timeRows shows the least and the most in the unit of the median", () => {
  const all = results(measured(LN, { pytorch: [900_000, 1_000_000, 1_300_000] }));
  expect(timeRows(all)[1]).toEqual(["LN 512×768", "1.00 ms (0.9–1.3)"]);
});

test("memoryRows compares what is kept to the bytes of output and gradients", () => {
  const bytes = 4 * (2 * 512 * 768 + 2 * 768);
  const all = results(measured(LN, { "normgrad-wasm": [1] }, { kept: 1.5 * bytes, peak: 3 * 2 ** 20 }));
  expect(memoryRows(all)[1]).toEqual(["LN 512×768", "1.5× 3 MB"]);
});

test("accuracyRows has a row for each contestant", () => {
  const errors = { output: { relative: 5e-8, ulp: 0.5 }, gradients: { relative: 1e-3, ulp: 9000 } };
  const all = results(measured(LN, { pytorch: [1] }, { table: "accuracy", errors }));
  expect(accuracyRows(all)).toEqual([
    ["", "LN 512×768"],
    ["PyTorch", "5e-8 / 1e-3 (0.5 / 9000 ulp)"],
  ]);
});

test("shapeRows divides by the contestant's best shape; the last row is its worst", () => {
  const costs = shapes.map((_, i) => 2 + i); // ns an element
  const all = results(
    shapes.flatMap((one, i) => measured(one.id, { c: [(costs[i] ?? 0) * elementsOf(one)] }, { table: "shapes" })),
  );
  const rows = shapeRows(all);
  expect(rows[1]?.[1]).toBe("2 ns  1×");
  expect(rows[2]?.[1]).toBe("3 ns  1.5×");
  expect(rows.at(-1)).toEqual(["worst over best", `${showNumber((1 + shapes.length) / 2)}×`]);
});

describe("format", () => {
  test("numbers have two digits, large ones all of their whole part", () => {
    expect([0, 0.0123, 1.26, 15.2, 99.4, 1234.5, NaN].map(showNumber)).toEqual([
      "0",
      "0.012",
      "1.3",
      "15",
      "99",
      "1235",
      "NaN",
    ]);
  });

  test("times choose their unit", () => {
    expect([12.34, 1234, 5.678e6, 2e9].map(showTime)).toEqual(["12.3 ns", "1.23 µs", "5.68 ms", "2.00 s"]);
  });

  test("columns are as wide as their widest cell", () => {
    expect(
      textTable([
        ["", "a"],
        ["long", "1"],
        ["b", "100"],
      ]),
    ).toBe("          a\n  long    1\n  b     100");
  });
});
