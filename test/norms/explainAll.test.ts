/** normPartition and explainBackward of every class of norms. */
import { describe, expect, test } from "vitest";
import { Generator, grad, NdArray, randn, sizeOf, Tensor, zeros } from "../../src/autograd/index.ts";
import * as library from "../../src/index.ts";
import {
  AdaptiveInstanceNorm,
  AdaptiveLayerNorm,
  BatchNorm1d,
  ConditionalInstanceNorm,
} from "../../src/norms/index.ts";
import { explainBackward, Norm, normalizeDescriptor, normPartition } from "../../src/norms/index.ts";
import { explainedLayers } from "../helpers/explainedLayers.ts";
import type { ExplainedLayer } from "../helpers/explainedLayers.ts";
import { expectClose } from "../helpers/laws.ts";

/** Which numbers of an array are not those of another, to the bit. */
function changedCells(before: NdArray, after: NdArray): number[] {
  return Array.from(before.data.keys()).filter((cell) => before.data[cell] !== after.data[cell]);
}

function moved(array: NdArray, cell: number): NdArray {
  const data = Float64Array.from(array.data);
  data[cell] = (data[cell] ?? 0) + 0.75;
  return new NdArray(data, array.shape);
}

/**
 * The sets that a layer really uses, by moving one number at a time: cells are tied if moving one moves the output of the
 * other, and what is tied to one cell is one set. Where no cell moves another's output, its statistics are constants of the
 * layer, and cells are tied by moving one of those.
 */
function foundSets(make: () => ExplainedLayer): number[] {
  const { shape } = make();
  const x = randn(shape, { generator: new Generator(21) }).value;
  const output = (input: NdArray): NdArray => make().run(input).output.value;
  const before = output(x);
  const ties = Array.from(x.data.keys(), (cell) => [cell, ...changedCells(before, output(moved(x, cell)))]);
  const statistics = Object.keys(make().module).filter((name) => name === "runningMean");
  const own = ties.every((cells) => new Set(cells).size === 1);
  return components(
    own ? [...ties, ...statistics.flatMap((name) => tiedBy(make, name, x, before))] : ties,
    x.data.length,
  );
}

function tiedBy(make: () => ExplainedLayer, name: string, x: NdArray, before: NdArray): number[][] {
  const buffer = (layer: ExplainedLayer): Tensor | undefined =>
    [...layer.module.namedBuffers()].find(([other]) => other === name)?.[1];
  return Array.from({ length: buffer(make())?.numel ?? 0 }, (_, c) => {
    const layer = make();
    const statistic = buffer(layer);
    if (statistic) statistic.value = moved(statistic.value, c);
    return changedCells(before, layer.run(x).output.value);
  });
}

/** For each cell the index of its set, in the order of appearance. */
function components(ties: readonly (readonly number[])[], size: number): number[] {
  let sets = Array.from({ length: size }, (_, cell) => cell);
  for (const cells of ties) {
    const joined = new Set(cells.map((cell) => sets[cell]));
    sets = sets.map((set) => (joined.has(set) ? (sets[cells[0] ?? 0] ?? set) : set));
  }
  return numbered(sets);
}

function numbered(sets: Iterable<number>): number[] {
  const order = new Map<number, number>();
  return Array.from(sets, (set) => {
    const index = order.get(set) ?? order.size;
    order.set(set, index);
    return index;
  });
}

describe("normPartition", () => {
  test.each(Object.entries(explainedLayers))("%s: the sets are those that its forward uses", (_, make) => {
    expect(numbered(make().partition())).toEqual(foundSets(make));
  });

  test.each(
    [
      [2, 3],
      [2, 3, 2],
    ].flatMap((shape) =>
      normalizeDescriptor.cases(shape).map((found) => [`${found.label} of [${shape}]`, found] as const),
    ),
  )("normalize, which is no class: the sets of its descriptor, %s", (_, { inputs, op, partition }) => {
    const { shape } = inputs[0] ?? { shape: [] };
    const x = randn(shape, { generator: new Generator(25) });
    const output = (input: NdArray): NdArray => op([new Tensor(input)]).value;
    const ties = Array.from(x.data.keys(), (cell) => [
      cell,
      ...changedCells(output(x.value), output(moved(x.value, cell))),
    ]);
    expect(numbered(partition)).toEqual(components(ties, x.numel));
  });

  test("a layer that says other sets than it uses is noticed", () => {
    class Liar extends BatchNorm1d {
      override normCase(input: Tensor): ReturnType<BatchNorm1d["normCase"]> {
        const { case: normCase, inputs } = super.normCase(input);
        return { case: { ...normCase, partition: normCase.partition.map((_, cell) => Math.floor(cell / 3)) }, inputs };
      }
    }
    const liar = (): ExplainedLayer => {
      const module = new Liar(3);
      const run = (x: NdArray): ReturnType<ExplainedLayer["run"]> => {
        const input = new Tensor(x, true);
        return { input, output: module.forward(input) };
      };
      const partition = (): Int32Array => normPartition(module, [4, 3]);
      return { module, shape: [4, 3], partition, explain: (x, g) => explainBackward(module, x, g), run };
    };
    expect(numbered(liar().partition())).not.toEqual(foundSets(liar));
  });

  test("the list has every class of norms that the library exports, and the layers of normalized weights", () => {
    const isNorm = (value: unknown): boolean => typeof value === "function" && value.prototype instanceof Norm;
    const classes = Object.entries(library).flatMap(([name, value]) => (isNorm(value) ? [name] : []));
    const listed = new Set(Object.values(explainedLayers).map((make) => make().module.constructor.name));
    expect(classes.length).toBeGreaterThan(20);
    expect([...listed].toSorted()).toEqual([...classes, "WeightNorm", "SpectralNorm", "WSConv2d"].toSorted());
  });

  test("neither parameters in float32 nor what further inputs would be matter", () => {
    const dtype = "float32";
    expect([...normPartition(new AdaptiveLayerNorm(2, 3, { dtype }), [2, 2])]).toEqual([0, 0, 1, 1]);
    expect([...normPartition(new ConditionalInstanceNorm(1, 3, { dtype }), [2, 1, 2])]).toEqual([0, 0, 1, 1]);
    expect([...normPartition(new AdaptiveInstanceNorm(), [0, 2, 2])]).toEqual([]);
  });

  test("shapes that forward refuses are refused, in the same words", () => {
    const conditional = new ConditionalInstanceNorm(3, 2);
    for (const shape of [[2, 4, 5], [2, 3, 1], [2, 3], [3]]) {
      const styles = Array.from({ length: shape[0] ?? 0 }, () => 0);
      const words = messageOf(() => conditional.forward(zeros(shape), styles));
      expect(words).toMatch(/expected/);
      expect(messageOf(() => normPartition(conditional, shape))).toBe(words);
    }
    const adaptive = new AdaptiveLayerNorm(3, 2);
    const words = messageOf(() => adaptive.forward(zeros([2, 4]), zeros([2, 2])));
    expect(messageOf(() => normPartition(adaptive, [2, 4]))).toBe(words);
    const linear = new library.WeightNorm(new library.Linear(3, 2));
    expect(messageOf(() => normPartition(linear, [4, 3]))).toMatch(/expected a weight of shape \[2, 3\], got \[4, 3\]/);
  });
});

function messageOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  return "";
}

describe("explainBackward", () => {
  test.each(Object.entries(explainedLayers))("%s: gradInput is the tape's, and the terms add up to it", (_, make) => {
    const { shape } = make();
    const generator = new Generator(22);
    const x = randn(shape, { generator });
    const gradOutput = randn(shape, { generator });
    const explained = make().explain(x, gradOutput);
    const { input, output } = make().run(x.value);
    const [gradInput] = grad(output, [input], { gradOutput });
    expectClose("output", explained.output.value, output.value, 1e-14);
    expectClose("gradInput", explained.gradInput.value, gradInput?.value ?? zeros(shape).value, 1e-14);
    const { direct, viaMean, viaVariance } = explained;
    expectClose("terms", direct.add(viaMean).add(viaVariance).value, explained.gradInput.value, 1e-13);
    for (const array of [direct, viaMean, viaVariance]) expect(array.numel).toBe(sizeOf(shape));
  });

  test.each(Object.entries(explainedLayers))("%s: nothing is moved by asking", (_, make) => {
    const layer = make();
    const x = randn(layer.shape, { generator: new Generator(23) });
    const state = (): unknown =>
      Object.entries(layer.module.stateDict()).map(([key, tensor]) => [key, [...tensor.data], tensor.requiresGrad]);
    const before = state();
    layer.explain(x, x);
    layer.partition();
    expect(state()).toEqual(before);
  });

  test("without further inputs the style is the content itself, a condition zeros, and styles the first", () => {
    const generator = new Generator(24);
    const [x, g] = [randn([2, 3, 4], { generator }), randn([2, 3, 4], { generator })];
    const instance = new AdaptiveInstanceNorm();
    expect(explainBackward(instance, x, g)).toEqual(explainBackward(instance, x, g, x));
    const conditional = new ConditionalInstanceNorm(3, 2);
    expect(explainBackward(conditional, x, g)).toEqual(explainBackward(conditional, x, g, [0, 0]));
    const layer = new AdaptiveLayerNorm(4, 5);
    expect(explainBackward(layer, x, g)).toEqual(explainBackward(layer, x, g, zeros([2, 5])));
  });
});
