/** normPartition and explainBackward of every class of norms. */
import { describe, expect, test } from "vitest";
import { Generator, getDefaultDtype, grad, NdArray, randn, setDefaultDtype, sizeOf } from "../../src/autograd/index.ts";
import { Tensor, zeros } from "../../src/autograd/index.ts";
import * as library from "../../src/index.ts";
import {
  AdaptiveInstanceNorm,
  AdaptiveLayerNorm,
  adaptiveLayerNorm,
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

/** What is made in it is in float32. */
function inFloat32<T>(run: () => T): T {
  const before = getDefaultDtype();
  setDefaultDtype("float32");
  try {
    return run();
  } finally {
    setDefaultDtype(before);
  }
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

  test.each(Object.entries(explainedLayers))("%s: of a layer in float32 the same sets", (_, make) => {
    expect(inFloat32(make).partition()).toEqual(make().partition()); // which asks by an input of the default dtype
  });

  test("what further inputs would be does not matter", () => {
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

/** Parameters that their norm's case calls otherwise. */
const nameInCase: Readonly<Record<string, string>> = { weightG: "g", scale: "weight" };

function valueOf(tensor: Tensor | null | undefined): NdArray {
  if (!tensor) throw new Error("expected a gradient");
  return tensor.value;
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

  test.each(Object.entries(explainedLayers))("%s: in float32, too, within its rounding", (_, make) => {
    inFloat32(() => {
      const { shape } = make();
      const generator = new Generator(26);
      const [x, gradOutput] = [randn(shape, { generator }), randn(shape, { generator })];
      const explained = make().explain(x, gradOutput);
      const { input, output } = make().run(x.value);
      const [gradInput] = grad(output, [input], { gradOutput });
      expectClose("output", explained.output.value, output.value.to("float64"), 2 ** -22);
      expectClose("gradInput", explained.gradInput.value, (gradInput ?? zeros(shape)).value.to("float64"), 2 ** -22);
    });
  });

  test.each(Object.entries(explainedLayers))("%s: the gradients of its parameters are the tape's", (_, make) => {
    const layer = make();
    const generator = new Generator(27);
    const [x, gradOutput] = [randn(layer.shape, { generator }), randn(layer.shape, { generator })];
    const { gradients, gradWeight, gradBias } = layer.explain(x, gradOutput);
    const { input, output } = layer.run(x.value);
    const parameters = [...layer.module.namedParameters()].filter(
      ([name, parameter]) => parameter !== input && !name.startsWith("linear."),
    );
    const inputs = parameters.map(([, parameter]) => parameter);
    const expected = inputs.length === 0 ? [] : grad(output, inputs, { gradOutput });
    const names = parameters.map(([name]) => nameInCase[name] ?? name);
    const further = Object.keys(gradients).filter((name) => !["style", "scale", "shift", "blend"].includes(name));
    expect(further.toSorted()).toEqual(names.toSorted());
    names.forEach((name, i) => expectClose(name, valueOf(gradients[name]), valueOf(expected[i]), 1e-13));
    expect([gradWeight, gradBias]).toEqual([gradients["weight"] ?? null, gradients["bias"] ?? null]);
  });

  test("style, scale and shift, and blend: those of the op with these inputs", () => {
    const generator = new Generator(28);
    const draw = (shape: number[]): Tensor => randn(shape, { generator, requiresGrad: true });
    const [x, gradOutput] = [draw([2, 3, 4]), draw([2, 3, 4]).detach()];
    const [style, blend, scale, shift] = [draw([2, 3, 5]), draw([2, 2]), draw([2, 4]), draw([2, 4])];
    const [instance, conditional] = [new AdaptiveInstanceNorm(), new ConditionalInstanceNorm(3, 2)];
    const layer = new AdaptiveLayerNorm(4, 1); // of a condition of zeros: bias is all of the modulation
    layer.linear.bias.value = shift.select(0, 0).concat([scale.select(0, 0)], 0).value;
    const [ofScale, ofShift] = [scale, shift].map((all) => new Tensor(all.value.slice(0, 0, 1).expand([2, 4]), true));
    const adapted = adaptiveLayerNorm(x, ofScale ?? scale, ofShift ?? shift);
    const found = {
      ...explainBackward(instance, x, gradOutput, style).gradients,
      ...explainBackward(layer, x, gradOutput, zeros([2, 1])).gradients,
      blend: explainBackward(conditional, x, gradOutput, blend).gradients["blend"],
    };
    const expected = {
      style: grad(instance.forward(x, style), [style], { gradOutput })[0],
      scale: grad(adapted, [ofScale ?? scale], { gradOutput, retainGraph: true })[0],
      shift: grad(adapted, [ofShift ?? shift], { gradOutput })[0],
      blend: grad(conditional.forward(x, blend), [blend], { gradOutput })[0],
    };
    for (const [name, gradient] of Object.entries(expected)) {
      expectClose(name, valueOf(Object.entries(found).find(([key]) => key === name)?.[1]), valueOf(gradient), 1e-13);
    }
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
