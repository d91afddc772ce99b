/** Files that the reference implementation has written (reference.py), files of our own, and files that are broken. */
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Generator, Linear, ReLU, Sequential, tensor, Tensor } from "../../src/index.ts";
import { BatchNorm1d, BatchNorm2d, Conv2d, NdArray, randn, SwitchableNorm2d } from "../../src/index.ts";
import { loadSafetensors, safetensorsMetadata, saveSafetensors } from "../../src/io/index.ts";
import { holds, shapes } from "../helpers/generators.ts";
import { entry, fileOf, zeroBytes } from "./bytes.ts";

interface Listed {
  readonly dtype: string;
  readonly shape: readonly number[];
  /** -0, infinities and NaN as texts. */
  readonly data: readonly (number | string)[];
}

interface Case {
  readonly name: string;
  readonly file: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly tensors: Readonly<Record<string, Listed>>;
}

const text = readFileSync(new URL("reference.json", import.meta.url), "utf8");
const { cases }: { readonly cases: readonly Case[] } = JSON.parse(text);
const named = cases.map((found) => [found.name, found] as const);
const bytesOf = ({ file }: Case): Uint8Array => new Uint8Array(Buffer.from(file, "base64"));

/** Everything that a dict of tensors has, to compare: NaN is NaN, and -0 is not 0. */
function listed(tensors: Readonly<Record<string, Tensor>>): unknown {
  const rows = Object.entries(tensors).map(([name, { dtype, shape, data }]) => ({
    name,
    dtype,
    shape,
    data: [...data],
  }));
  return rows.toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

/** What all numbers of a file's dtype fit into. */
function widened(dtype: string): string {
  return dtype === "float16" || dtype === "bfloat16" || dtype === "float32" ? "float32" : "float64";
}

describe("loadSafetensors", () => {
  test.each(named)("reads what the reference implementation wrote: %s", (_, found) => {
    const expected = Object.entries(found.tensors).map(([name, { dtype, shape, data }]) => ({
      name,
      dtype: widened(dtype),
      shape,
      data: data.map((value) => (value === "NaN" ? NaN : Number(value))),
    }));
    const bytes = bytesOf(found);
    expect(listed(loadSafetensors(bytes))).toEqual(expected.toSorted((a, b) => (a.name < b.name ? -1 : 1)));
    expect(safetensorsMetadata(bytes)).toEqual(found.metadata);
  });

  test("all dtypes that it knows are among the files", () => {
    const dtypes = new Set(cases.flatMap(({ tensors }) => Object.values(tensors).map(({ dtype }) => dtype)));
    expect(dtypes.size).toBe(13);
  });

  test("takes an ArrayBuffer, and bytes that stand anywhere in one", () => {
    const file = saveSafetensors({ x: tensor([1, 2, 3]) });
    const shifted = new Uint8Array(file.length + 3);
    shifted.set(file, 3);
    const expected = listed(loadSafetensors(file));
    expect(listed(loadSafetensors(new Uint8Array(file).buffer))).toEqual(expected);
    expect(listed(loadSafetensors(shifted.subarray(3)))).toEqual(expected);
    expect(listed(loadSafetensors(Buffer.from(file)))).toEqual(expected);
  });

  test("copies: bytes that are changed afterwards change no tensor", () => {
    const file = saveSafetensors({ x: tensor([1, 2, 3]) });
    const { x } = loadSafetensors(file);
    file.fill(255);
    expect(x?.toArray()).toEqual([1, 2, 3]);
  });

  test("the data of the entries may stand in any order, and tensors without values anywhere", () => {
    const header = { b: entry("U8", [2], 1, 3), none: entry("F64", [0, 5], 1, 1), a: entry("I8", [], 0, 1) };
    const { a, b, none } = loadSafetensors(fileOf(header, [255, 1, 2]));
    expect([a?.toArray(), b?.toArray(), none?.shape]).toEqual([-1, [1, 2], [0, 5]]);
  });

  test("a name of the header is a name, whatever it means to JavaScript", () => {
    const state = { ["__proto__"]: tensor([1]), constructor: tensor([2]), 10: tensor([3]), "": tensor([4]) };
    const loaded = loadSafetensors(saveSafetensors(state));
    expect(Object.keys(loaded).toSorted()).toEqual(["", "10", "__proto__", "constructor"]);
    expect(listed(loaded)).toEqual(listed(state));
  });

  test("a name that stands twice in the JSON is found by the bytes that are left over", () => {
    const one = JSON.stringify(entry("U8", [1], 0, 1));
    const other = JSON.stringify(entry("U8", [1], 1, 2));
    expect(() => loadSafetensors(fileOf(`{"a":${one},"a":${other}}`, [1, 2]))).toThrow("expected a to begin at byte 0");
    expect(() => loadSafetensors(fileOf(`{"a":${other},"a":${one}}`, [1, 2]))).toThrow("expected 1 bytes of data");
  });

  test("a broken file is an error that says so, and nothing else: each byte of a file changed, and the file cut", () => {
    const file = saveSafetensors({ x: tensor([[1, 2]]), n: tensor(3) }, { metadata: { format: "pt" } });
    const dataStart = file.length - 24;
    const broken = Array.from({ length: dataStart }, (_, at) =>
      [0, 1, 34, 57, 125, 255].map((value) => file.with(at, value)),
    );
    const cut = Array.from({ length: file.length }, (_, length) => file.slice(0, length));
    for (const bytes of [...broken.flat(), ...cut, new Uint8Array([...file, 0])]) {
      try {
        for (const { data } of Object.values(loadSafetensors(bytes))) expect(data.byteLength).toBeLessThanOrEqual(24);
      } catch (error) {
        expect(String(error)).toMatch(/^(Type|Range)Error: loadSafetensors: expected .* got /s);
      }
    }
    for (const bytes of cut) expect(() => loadSafetensors(bytes)).toThrow("loadSafetensors: expected");
  });

  test("numbers that do not fit are errors before any memory is taken for them", () => {
    const huge = entry("F64", [2 ** 30, 2 ** 20], 0, 2 ** 53 - 1);
    expect(() => loadSafetensors(fileOf({ x: huge }, zeroBytes(8)))).toThrow("expected 9007199254740992 bytes");
    const overflowing = entry("F64", [2 ** 40, 2 ** 40, 0], 0, 8);
    expect(() => loadSafetensors(fileOf({ x: overflowing }, zeroBytes(8)))).toThrow("expected 0 bytes for x");
  });
});

describe("saveSafetensors", () => {
  const widenedTypes = ["float16", "bfloat16", "uint", "int32", "int16", "int8", "bool", "all at once"];
  const sameTypes = named.filter(([name]) => !widenedTypes.some((dtype) => name.includes(dtype)));

  test.each(sameTypes)("writes the bytes of the reference implementation: %s", (_, found) => {
    const { metadata, tensors } = found;
    const options = Object.keys(metadata).length > 0 ? { metadata } : {};
    const int64 = (name: string): boolean => tensors[name]?.dtype === "int64";
    const file = saveSafetensors(loadSafetensors(bytesOf(found)), { ...options, int64 });
    expect(Buffer.from(file).toString("latin1")).toBe(Buffer.from(bytesOf(found)).toString("latin1"));
  });

  test("that is most of the files", () => {
    expect(sameTypes.length).toBeGreaterThan(8);
  });

  test("what is saved is loaded: names, shapes, dtypes and every bit", () => {
    const any = shapes({ minDims: 0, maxDims: 3, maxSize: 3 }).chain((shape) =>
      fc.tuple(fc.boolean(), fc.array(fc.double(), { minLength: 27, maxLength: 27 })).map(([narrow, values]) => {
        const data = values.slice(
          0,
          shape.reduce((a, b) => a * b, 1),
        );
        return new Tensor(new NdArray(narrow ? Float32Array.from(data) : Float64Array.from(data), shape));
      }),
    );
    const dicts = fc.dictionary(
      fc.string({ unit: "grapheme" }).filter((name) => name !== "__metadata__"),
      any,
    );
    const metadata = fc.dictionary(fc.string(), fc.string());
    holds(fc.tuple(dicts, metadata), ([tensors, texts]) => {
      const file = saveSafetensors(tensors, { metadata: texts });
      expect(listed(loadSafetensors(file))).toEqual(listed(tensors));
      expect({ ...safetensorsMetadata(file) }).toEqual({ ...texts });
      expect((file.length - loadedSize(tensors)) % 8).toBe(0);
    });
  });

  test("a loss of a bit would be noticed", () => {
    const x = tensor([0, NaN, 1 / 3]);
    expect(listed({ x: tensor([-0, NaN, 1 / 3]) })).not.toEqual(listed({ x }));
    expect(listed({ x: x.to("float32") })).not.toEqual(listed({ x }));
    expect(listed({ x: tensor([0, 1, 1 / 3]) })).not.toEqual(listed({ x }));
    expect(listed({ x: x.reshape([3, 1]) })).not.toEqual(listed({ x }));
  });

  test("counts of batches are I64, as in PyTorch, unless it is told otherwise", () => {
    const norm = new BatchNorm1d(2);
    for (let i = 0; i < 3; i++) norm.forward(randn([4, 2]));
    const dtypesIn = (file: Uint8Array): string[] =>
      Buffer.from(file)
        .toString("latin1")
        .match(/"(?:F|I)\d\d"/g) ?? [];
    const state = norm.stateDict();
    expect(dtypesIn(saveSafetensors(state))).toEqual(['"I64"', ...Array<string>(4).fill('"F64"')]);
    expect(dtypesIn(saveSafetensors(state, { int64: () => false }))).toEqual(Array<string>(5).fill('"F64"'));
    expect(loadSafetensors(saveSafetensors(state))["num_batches_tracked"]?.item()).toBe(3);
    const nested = { "0.num_batches_tracked": tensor(1), num_batches_tracked_twice: tensor(2) };
    expect(dtypesIn(saveSafetensors(nested))).toEqual(['"I64"', '"F64"']);
  });

  test("a model that takes the state of another computes the same, in training and in evaluation", () => {
    const make = (seed: number): Sequential => {
      const generator = new Generator(seed);
      return new Sequential(
        new Conv2d(2, 4, 3, { generator }),
        new BatchNorm2d(4),
        new ReLU(),
        new SwitchableNorm2d(4),
        new Linear(2, 3, { generator }),
      );
    };
    const x = randn([3, 2, 4, 4], { generator: new Generator(3) });
    const [trained, fresh] = [make(1), make(2)];
    trained.forward(x);
    const file = saveSafetensors(trained.stateDict());
    expect(fresh.loadStateDict(loadSafetensors(file))).toEqual({ missingKeys: [], unexpectedKeys: [] });
    for (const mode of [false, true]) {
      expect(fresh.train(mode).forward(x).toArray()).toEqual(trained.train(mode).forward(x).toArray());
    }
    expect(saveSafetensors(fresh.stateDict())).toEqual(saveSafetensors(trained.stateDict()));
    expect(saveSafetensors(make(2).stateDict())).not.toEqual(file);
  });
});

/** Bytes of the numbers. */
function loadedSize(tensors: Readonly<Record<string, Tensor>>): number {
  return Object.values(tensors).reduce((sum, { data }) => sum + data.byteLength, 0);
}
