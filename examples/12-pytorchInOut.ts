import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { formatShape, Generator, noGrad, randn } from "normgrad";
import type { Tensor } from "normgrad";
import { loadSafetensors, safetensorsMetadata, saveSafetensors } from "normgrad/io";
import { Conv2d, crossEntropy, Flatten, Linear, ReLU, Sequential, SGD } from "normgrad/nn";
import { BatchNorm2d, GroupNorm, LayerNorm } from "normgrad/norms";
import { lesson } from "./shared/lesson.ts";
import { short } from "./shared/text.ts";

const { quick, seed, out, heading, say, listing, table, check } = lesson(import.meta.url, {
  title: "PyTorch in, PyTorch out",
  claim:
    "A model is its names and numbers: with PyTorch's names, formulas and defaults, weights come over from PyTorch, compute the same, learn on, and go back.",
  source: "The format: https://github.com/huggingface/safetensors",
});

/** nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), …): shared/torchModel.py, line by line. */
const makeModel = (): Sequential =>
  new Sequential(
    new Conv2d(1, 4, 3, { padding: 1, dtype: "float32" }),
    new BatchNorm2d(4, { dtype: "float32" }),
    new ReLU(),
    new Conv2d(4, 4, 3, { padding: 1, dtype: "float32" }),
    new GroupNorm(2, 4, { dtype: "float32" }),
    new ReLU(),
    new Flatten(),
    new Linear(64, 8, { dtype: "float32" }),
    new LayerNorm(8, { dtype: "float32" }),
    new ReLU(),
    new Linear(8, 3, { dtype: "float32" }),
  );

heading("In: a file that PyTorch has written");
const file = readFileSync(new URL("shared/torchModel.safetensors", import.meta.url));
const state = loadSafetensors(file);
say(
  `${file.length} bytes, with the metadata ${JSON.stringify(safetensorsMetadata(file))}. The header names each tensor:`,
);
table(
  ["name", "shape", "dtype", "first value"],
  Object.entries(state).map(([name, { shape, dtype, data }]) => [name, formatShape(shape), dtype, data[0] ?? NaN]),
);
const model = makeModel();
const { missingKeys, unexpectedKeys } = model.loadStateDict(state);
check("every name has its place, and none is left over", missingKeys.length + unexpectedKeys.length === 0);

heading("The same numbers come out");
const { images, logits } = required(
  loadSafetensors(readFileSync(new URL("shared/torchExample.safetensors", import.meta.url))),
);
const computed = noGrad(() => model.eval().forward(images));
say("Five pictures were put through the model in PyTorch, in evaluation mode. What it answered, and what we answer:");
table(
  ["picture", "PyTorch", "normgrad"],
  [0, 1, 2, 3, 4].map((i) => [i, ...[logits, computed].map((scores) => row(scores, i))]),
);
const error = farthest(computed, logits) / Math.max(...logits.data.map(Math.abs));
check(`the largest difference is ${short(error)} of the largest score: rounding of float32`, error < 2 ** -20);

heading("Learning on");
const generator = new Generator(seed);
const steps = quick ? 30 : 150;
/** Noise to be sorted by its mean: dark, middling or bright. */
function draw(count: number): { pictures: Tensor; labels: number[] } {
  const pictures = randn([count, 1, 4, 4], { generator, dtype: "float32" }).add(0.5);
  return {
    pictures,
    labels: Array.from(pictures.mean([1, 2, 3]).data, (mean) => (mean < 0.4 ? 0 : mean < 0.6 ? 1 : 2)),
  };
}
const unseen = draw(400);
const lossOnUnseen = (): number =>
  noGrad(() => crossEntropy(model.eval().forward(unseen.pictures), unseen.labels)).item();
const before = lossOnUnseen();
const optimizer = new SGD(model.parameters(), { lr: 0.02, momentum: 0.9 });
for (let step = 0; step < steps; step++) {
  const { pictures, labels } = draw(64);
  optimizer.zeroGrad();
  crossEntropy(model.train().forward(pictures), labels).backward();
  optimizer.step();
}
const after = lossOnUnseen();
say(`PyTorch had taken 30 steps. After ${steps} more, the loss on 400 pictures that nobody has learned from has gone from
  ${short(before)} to ${short(after)}; BatchNorm counts on.`);
check("it has learned more", after < before);
const counted = model.stateDict()["1.num_batches_tracked"]?.item() ?? NaN;
check(`BatchNorm has counted ${counted} batches`, counted === 30 + steps);

heading("Out: a file that PyTorch reads");
const saved = saveSafetensors(model.stateDict(), { metadata: { format: "pt" } });
mkdirSync(out, { recursive: true });
writeFileSync(join(out, "12-model.safetensors"), saved);
listing(`import torch, safetensors.torch
model.load_state_dict(safetensors.torch.load_file("${join(out, "12-model.safetensors")}"))   # <All keys matched successfully>`);
say(`The count is written as a 64-bit integer, since that is what PyTorch has there; all else as it is. No bit is lost
  on the way:`);
const again = makeModel();
again.loadStateDict(loadSafetensors(saved));
check(
  "a model that reads the file computes the same",
  farthest(again.eval().forward(images), model.eval().forward(images)) === 0,
);
check(
  "what PyTorch wrote is written back byte for byte",
  Buffer.compare(saveSafetensors(state, { metadata: { format: "pt" } }), file) === 0,
);

function required({ images, logits }: Readonly<Record<string, Tensor>>): { images: Tensor; logits: Tensor } {
  if (!images || !logits) throw new Error("expected a file with images and logits, got another one");
  return { images, logits };
}

function row(scores: Tensor, i: number): string {
  return Array.from(scores.data.subarray(3 * i, 3 * i + 3), (score) => score.toFixed(5).padStart(8)).join(" ");
}

function farthest(a: Tensor, b: Tensor): number {
  return Math.max(...a.data.map((value, i) => Math.abs(value - (b.data[i] ?? NaN))));
}
