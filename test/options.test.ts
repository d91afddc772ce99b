/**
 * Every function with options refuses one that it does not have: PyTorch's name for it, a misspelt one. The errors that are
 * told row by row are in errors.test.ts; here is the law, over all of them.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import * as n from "../src/index.ts";
import { powerIteration } from "../src/norms/spectralNorm.ts";
import { saveCheckpoint, saveSafetensors } from "../src/io/index.ts";
import { errorOf } from "./errors/wrongCall.ts";

/** Options that no type allows. */
type Call = (options: never) => unknown;

const x = n.ones([2, 3]);
const images = n.ones([2, 4, 5, 5]);
const three = n.ones([3]);

const weight = n.tensor([1, 2], { requiresGrad: true });
const sgd = new n.SGD([weight], { lr: 0.1, momentum: 0.9 });
const layer = new n.Linear(3, 2);
const data = new n.TensorDataset(x);
const [ih, hh] = [n.ones([2, 3]), n.ones([2, 2])];
const scores = n.ones([2, 2]);

/** Calls by the name that their messages begin with. */
const calls: Readonly<Record<string, Call>> = {
  tensor: (o) => n.tensor([1], o),
  full: (o) => n.full([1], 1, o),
  zeros: (o) => n.zeros([1], o),
  ones: (o) => n.ones([1], o),
  arange: (o) => n.arange(0, 3, 1, o),
  rand: (o) => n.rand([1], o),
  randn: (o) => n.randn([1], o),
  variance: (o) => x.variance([1], o),
  backward: (o) => weight.sum().backward(null, o),
  grad: (o) => n.grad(weight.sum(), [weight], o),
  printTape: (o) => n.printTape(weight.sum(), o),
  customOp: (o) => n.customOp((a) => a, (g) => [g], o), // prettier-ignore
  Buffer: (o) => new n.Buffer(x, o),
  loadStateDict: (o) => layer.loadStateDict(layer.stateDict(), o),
  gelu: (o) => n.gelu(x, o),
  GELU: (o) => new n.GELU(o),
  Linear: (o) => new n.Linear(3, 2, o),
  conv1d: (o) => n.conv1d(x, n.ones([1, 2, 1]), o),
  Conv1d: (o) => new n.Conv1d(2, 1, 1, o),
  conv2d: (o) => n.conv2d(images, n.ones([1, 4, 1, 1]), o),
  Conv2d: (o) => new n.Conv2d(4, 1, 1, o),
  WSConv2d: (o) => new n.WSConv2d(4, 1, 1, o),
  maxPool2d: (o) => n.maxPool2d(images, 2, o),
  MaxPool2d: (o) => new n.MaxPool2d(2, o),
  avgPool2d: (o) => n.avgPool2d(images, 2, o),
  AvgPool2d: (o) => new n.AvgPool2d(2, o),
  dropout: (o) => n.dropout(x, 0.5, o),
  Dropout: (o) => new n.Dropout(0.5, o),
  flatten: (o) => n.flatten(x, o),
  embedding: (o) => n.embedding([0], x, o),
  Embedding: (o) => new n.Embedding(3, 2, o),
  "Embedding.forward": (o) => new n.Embedding(3, 2).forward([0], o),
  rnnCell: (o) => n.rnnCell(x, scores, ih, hh, o),
  RNNCell: (o) => new n.RNNCell(3, 2, o),
  gruCell: (o) => n.gruCell(x, scores, ih, hh, o),
  GRUCell: (o) => new n.GRUCell(3, 2, o),
  lstmCell: (o) => n.lstmCell(x, [scores, scores], ih, hh, o),
  LSTMCell: (o) => new n.LSTMCell(3, 2, o),
  scaledDotProductAttention: (o) => n.scaledDotProductAttention(x, x, x, o),
  crossEntropy: (o) => n.crossEntropy(x, [0, 1], o),
  mseLoss: (o) => n.mseLoss(x, x, o),
  bceWithLogits: (o) => n.bceWithLogits(x, x, o),
  kaimingUniform: (o) => n.kaimingUniform([2, 2], o),
  kaimingNormal: (o) => n.kaimingNormal([2, 2], o),
  xavierUniform: (o) => n.xavierUniform([2, 2], o),
  xavierNormal: (o) => n.xavierNormal([2, 2], o),
  SGD: (o) => new n.SGD([weight], o),
  Adam: (o) => new n.Adam([weight], o),
  AdamW: (o) => new n.AdamW([weight], o),
  clipGradNorm: (o) => n.clipGradNorm([weight], 1, o),
  StepLR: (o) => new n.StepLR(sgd, o),
  MultiStepLR: (o) => new n.MultiStepLR(sgd, o),
  ExponentialLR: (o) => new n.ExponentialLR(sgd, o),
  LinearLR: (o) => new n.LinearLR(sgd, o),
  LambdaLR: (o) => new n.LambdaLR(sgd, o),
  CosineAnnealingLR: (o) => new n.CosineAnnealingLR(sgd, o),
  OneCycleLR: (o) => new n.OneCycleLR(sgd, o),
  SequentialLR: (o) => new n.SequentialLR(sgd, o),
  DataLoader: (o) => new n.DataLoader(data, o),
  stratifiedSplit: (o) => n.stratifiedSplit([0, 1], 0.5, o),
  layerNorm: (o) => n.layerNorm(x, [3], o),
  LayerNorm: (o) => new n.LayerNorm(3, o),
  rmsNorm: (o) => n.rmsNorm(x, [3], o),
  RMSNorm: (o) => new n.RMSNorm(3, o),
  groupNorm: (o) => n.groupNorm(images, 2, o),
  GroupNorm: (o) => new n.GroupNorm(2, 4, o),
  batchNorm: (o) => n.batchNorm(x, three, three, o),
  BatchNorm2d: (o) => new n.BatchNorm2d(3, o),
  instanceNorm: (o) => n.instanceNorm(images, o),
  InstanceNorm2d: (o) => new n.InstanceNorm2d(3, o),
  switchableNorm: (o) => n.switchableNorm(images, three, three, o),
  SwitchableNorm1d: (o) => new n.SwitchableNorm1d(3, o),
  SwitchableNorm2d: (o) => new n.SwitchableNorm2d(3, o),
  adaptiveInstanceNorm: (o) => n.adaptiveInstanceNorm(images, images, o),
  AdaptiveInstanceNorm: (o) => new n.AdaptiveInstanceNorm(o),
  conditionalInstanceNorm: (o) => n.conditionalInstanceNorm(images, [0, 1], o),
  ConditionalInstanceNorm: (o) => new n.ConditionalInstanceNorm(3, 4, o),
  adaptiveLayerNorm: (o) => n.adaptiveLayerNorm(x, x, x, o),
  AdaptiveLayerNorm: (o) => new n.AdaptiveLayerNorm(3, 5, o),
  batchRenorm: (o) => n.batchRenorm(x, three, three, o),
  BatchRenorm1d: (o) => new n.BatchRenorm1d(3, o),
  filterResponseNorm: (o) => n.filterResponseNorm(images, o),
  FilterResponseNorm2d: (o) => new n.FilterResponseNorm2d(3, o),
  weightStandardization: (o) => n.weightStandardization(x, o),
  weightNorm: (o) => n.weightNorm(x, n.ones([2, 1]), o),
  WeightNorm: (o) => new n.WeightNorm(layer, o),
  spectralNorm: (o) => n.spectralNorm(x, n.ones([2]), three, o),
  powerIteration: (o) => powerIteration(x, n.ones([2]), three, o),
  SpectralNorm: (o) => new n.SpectralNorm(layer, o),
  localResponseNorm: (o) => n.localResponseNorm(images, 2, o),
  LocalResponseNorm: (o) => new n.LocalResponseNorm(2, o),
  normalize: (o) => n.normalize(x, o),
  scaleNorm: (o) => n.scaleNorm(x, o),
  ScaleNorm: (o) => new n.ScaleNorm(3, o),
  dynamicTanh: (o) => n.dynamicTanh(x, [3], n.tensor(1), o),
  DynamicTanh: (o) => new n.DynamicTanh(3, o),
  saveSafetensors: (o) => saveSafetensors({ x }, o),
  saveCheckpoint: (o) => saveCheckpoint({ layer }, o),
};

/** JavaScript's call, whatever the types say. */
function refusal(call: Call, option: string): string {
  const error = errorOf(() => Reflect.apply(call, undefined, [{ [option]: undefined }]));
  expect(error).toBeInstanceOf(TypeError);
  return error?.message ?? "";
}

const snakeCase = (name: string): string => name.replaceAll(/[A-Z]/g, (capital) => `_${capital.toLowerCase()}`);

describe("an option that is not known is refused", () => {
  test.each(Object.entries(calls))("%s", (entry, call) => {
    const [name] = entry.split(".");
    const [, by, list = ""] =
      /^(\w+): expected options out of (.+), got noSuchOption$/.exec(refusal(call, "noSuchOption")) ?? [];
    expect(by).toBe(name);
    for (const option of list.split(", ")) {
      const pythons = snakeCase(option);
      if (pythons !== option) {
        expect(refusal(call, pythons)).toBe(
          `${name}: expected options out of ${list}, got ${pythons}, which is ${option} here`,
        );
      }
    }
  });

  test("nothing that has options is left out", () => {
    const root = join(import.meta.dirname, "../src");
    const sources = readdirSync(root, { recursive: true, encoding: "utf8" }).filter((path) => path.endsWith(".ts"));
    const checked = sources.flatMap((path) =>
      Array.from(readFileSync(join(root, path), "utf8").matchAll(/\bcheckOptions\("(\w+)"/g), ([, name = ""]) => name),
    );
    expect(new Set(checked).size).toBeGreaterThan(50);
    expect(checked.filter((name) => !(name in calls))).toEqual([]);
    // As the code that runs declares them: `function gelu(input, options = {})`.
    const takesOptions = /(?:^function \w+|\bconstructor)\([^{]*\b\w*options(?: = \{\})?\)/i;
    const declared = Object.entries(n).filter(([, f]) => typeof f === "function" && takesOptions.test(String(f)));
    expect(declared.length).toBeGreaterThan(50);
    // A norm's formula takes options that its op has checked and completed.
    const missing = declared.map(([name]) => name).filter((name) => !(name in calls) && !name.endsWith("Forward"));
    expect(missing).toEqual([]);
  });
});
