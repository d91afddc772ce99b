import { randn, sameShape, tensor, zeros } from "normgrad";
import type { Tensor } from "normgrad";
import { BatchNorm2d, GroupNorm, InstanceNorm2d, LayerNorm, normPartition } from "normgrad/norms";
import type { Norm } from "normgrad/norms";
import { COLOURS } from "./shared/chart.ts";
import { lesson } from "./shared/lesson.ts";
import { short } from "./shared/text.ts";

const { heading, say, table, figure, check } = lesson(import.meta.url, {
  title: "One picture, four partitions",
  claim:
    "BatchNorm, LayerNorm, InstanceNorm and GroupNorm are one formula: they differ in which cells share a mean and a variance.",
  source: "Wu, He (2018), Group normalization, figure 2, https://arxiv.org/abs/1803.08494",
});

const [N, C, H, W] = [2, 4, 2, 2];
const norms: Readonly<Record<string, Norm>> = {
  BatchNorm: new BatchNorm2d(C),
  LayerNorm: new LayerNorm([C, H, W]),
  InstanceNorm: new InstanceNorm2d(C, { affine: true }),
  "GroupNorm, 2 groups": new GroupNorm(2, C),
};
// Channels of different size and offset, as the filters of a network have them.
const sizes = tensor([1, 3, 0.5, 2]).reshape([1, C, 1, 1]);
const x = randn([N, C, H, W])
  .mul(sizes)
  .add(tensor([0, 5, -2, 1]).reshape([1, C, 1, 1]));

heading("Who shares with whom");
say(`A batch of ${N} samples with ${C} channels of ${H}×${W} pixels. Cells of one letter share a mean and a variance; the
  pixels of a channel stand side by side.`);
const letters = (norm: Norm): string[] => Array.from(normPartition(norm, x.shape), (set) => "ABCDEFGH"[set] ?? "?");
const channels = Array.from({ length: N * C }, (_, i) => `s${Math.floor(i / C)} c${i % C}`);
table(
  ["", ...channels],
  Object.entries(norms).map(([name, norm]) => [
    name,
    ...channels.map((_, i) =>
      letters(norm)
        .slice(i * H * W, (i + 1) * H * W)
        .join(""),
    ),
  ]),
);

await figure(
  "partitions",
  {
    data: { values: Object.entries(norms).flatMap(([name, norm]) => cells(name, norm)) },
    facet: {
      column: { field: "norm", type: "nominal", title: null, sort: Object.keys(norms) },
      row: { field: "sample", type: "nominal", title: "sample" },
    },
    spec: {
      width: 150,
      height: 110,
      encoding: {
        x: { field: "channel", type: "nominal", title: "channel", axis: { labelAngle: 0 } },
        y: { field: "pixel", type: "nominal", title: "pixel" },
      },
      layer: [
        { mark: { type: "rect", color: "white" } }, // below pale colours, for dark pages
        {
          mark: { type: "rect", stroke: "white", opacity: 0.55 },
          encoding: { color: { field: "set", type: "nominal", legend: null, scale: { range: [...COLOURS] } } },
        },
        { mark: { type: "text", fontSize: 10 }, encoding: { text: { field: "value", type: "nominal" } } },
      ],
    },
  },
  "Cells of one colour share a mean and a variance; each norm is a column, each sample a row",
);

heading("One formula");
say(`So one function is enough. It takes the values and the letters, and knows nothing of batches, channels or groups:
  in each set, subtract the mean and divide by the root of the variance plus eps.`);

function normalizeBy(sets: Int32Array, values: ArrayLike<number>): number[] {
  return Array.from(values, (value, i) => {
    const mine = Array.from(values).filter((_, j) => sets[j] === sets[i]);
    const mean = mine.reduce((a, b) => a + b, 0) / mine.length;
    const variance = mine.reduce((sum, other) => sum + (other - mean) ** 2, 0) / mine.length;
    return (value - mean) / Math.sqrt(variance + 1e-5);
  });
}

for (const [name, norm] of Object.entries(norms)) {
  const byHand = normalizeBy(normPartition(norm, x.shape), x.data);
  check(`${name}: the function has the layer's output`, farthest(norm.forward(x).data, byHand) < 1e-12);
}

heading("What follows from the letters");
const disturbed = tensor(x.data.map((value, i) => (i < x.numel / N ? value : 10 * value + 3))).reshape(x.shape);
const rows = Object.entries(norms).map(([name, norm]) => {
  const sets = new Set(normPartition(norm, x.shape)).size;
  const change = farthest(firstSample(norm.forward(x)), firstSample(norm.forward(disturbed)));
  return { name, sets, each: x.numel / sets, change };
});
table(
  ["", "sets", "cells in each", "sample 0 moves by, if only sample 1 changes"],
  rows.map(({ name, sets, each, change }) => [name, sets, each, change]),
);
say(`Only BatchNorm's sets reach across samples. That is why it alone needs running statistics for a single picture, and why
  the size of the batch matters to it alone.`);
check(
  "a sample depends on its batch in BatchNorm, and in no other",
  rows.every(({ name, change }) => change > 0 === (name === "BatchNorm")),
);

heading("Is GroupNorm with one group LayerNorm?");
const same = (a: Norm, b: Norm): boolean => String(normPartition(a, x.shape)) === String(normPartition(b, x.shape));
check("GroupNorm(1, C) shares as LayerNorm([C, H, W]) does", same(new GroupNorm(1, C), new LayerNorm([C, H, W])));
check("GroupNorm(C, C) shares as InstanceNorm does", same(new GroupNorm(C, C), new InstanceNorm2d(C)));
check("LayerNorm(W), over the last dim alone, is another partition", !same(new LayerNorm(W), new GroupNorm(1, C)));
const [group, layer] = [new GroupNorm(1, C), new LayerNorm([C, H, W])];
say(`Their statistics are the same, their weights are not: GroupNorm has one for each channel, ${shapeOf(group)},
  LayerNorm one for each cell, ${shapeOf(layer)}.`);
check(
  "their weights differ in shape",
  !sameShape((group.weight ?? zeros([])).shape, (layer.weight ?? zeros([])).shape),
);

function cells(norm: string, layer: Norm): Record<string, string | number>[] {
  return Array.from(normPartition(layer, x.shape), (set, i) => {
    const [pixel, channel] = [i % (H * W), Math.floor(i / (H * W)) % C];
    return {
      norm,
      set,
      pixel,
      channel,
      sample: Math.floor(i / (C * H * W)),
      value: short(Number(x.data[i]?.toFixed(1))),
    };
  });
}

function firstSample({ data }: Tensor): ArrayLike<number> {
  return data.subarray(0, data.length / N);
}

function farthest(a: ArrayLike<number>, b: ArrayLike<number>): number {
  return Math.max(...Array.from(a, (value, i) => Math.abs(value - (b[i] ?? NaN))));
}

function shapeOf({ weight }: GroupNorm | LayerNorm): string {
  return `[${weight?.shape.join(", ")}]`;
}
