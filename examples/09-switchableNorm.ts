import { Generator, type Module, noGrad, randn, setDefaultDtype, type Tensor, tensor } from "normgrad";
import { AdaptiveAvgPool2d, Conv2d, CosineAnnealingLR, crossEntropy, DataLoader, Flatten, Linear } from "normgrad/nn";
import { ReLU, Sequential, SGD, TensorDataset } from "normgrad/nn";
import { BatchNorm2d, InstanceNorm2d, LayerNorm, SwitchableNorm2d, switchableNorm } from "normgrad/norms";
import { percentOf, rightOf } from "./shared/accuracy.ts";
import { COLOURS } from "./shared/chart.ts";
import { loadDigits } from "./shared/digits.ts";
import { lesson } from "./shared/lesson.ts";
import { spreadPoint, spreadText } from "./shared/spread.ts";

const { quick, seed, heading, say, table, figure, check, progress } = lesson(import.meta.url, {
  title: "SwitchableNorm chooses",
  claim:
    "SwitchableNorm learns how much of InstanceNorm's, LayerNorm's and BatchNorm's statistics to take. As the batch shrinks, it takes less of BatchNorm's and more of the others'.",
  source:
    "Luo, Ren, Peng, Zhang, Li (2018), Differentiable learning-to-normalize via switchable normalization, https://arxiv.org/abs/1806.10779",
});

setDefaultDtype("float32");
type Kind = "IN" | "LN" | "BN";
const KINDS: readonly Kind[] = ["IN", "LN", "BN"];
const SIZES = quick ? [16, 2] : [32, 16, 8, 4, 2];
const RATES = quick ? [0.15] : [0.05, 0.15, 0.45]; // the rate decides how far the logits go
const [RATE, EPOCHS] = [0.15, 3];
const SEEDS = Array.from({ length: quick ? 2 : 4 }, (_, i) => seed + i);

heading("Three statistics and a softmax");
const x = randn([4, 3, 2, 2]);
const alone = [new InstanceNorm2d(3), new LayerNorm([3, 2, 2]), new BatchNorm2d(3)].map((norm, kind) => {
  const logits = tensor([0, 1, 2].map((i) => (i === kind ? 50 : 0)));
  const mixed = switchableNorm(x, logits, logits, { training: true });
  return { logits: String(logits.toArray()), farthest: Math.max(...mixed.sub(norm.forward(x)).abs().data) };
});
say(`The mean is p₁·mean(IN) + p₂·mean(LN) + p₃·mean(BN), and p = softmax(three logits) is learned like any weight; the
  variance has three logits of its own. All begin as equals, with a third. What one logit of 50 makes of it:`);
table(
  ["logits of IN, LN, BN", "farthest from that norm alone"],
  alone.map(({ logits, farthest }, kind) => [`${logits}: ${KINDS[kind]}`, farthest]),
);
const worst = Math.max(...alone.map(({ farthest }) => farthest));
check("each of the norms is a SwitchableNorm, within 1e-5", worst < 1e-5);

heading("Learning to choose");
/** What each layer takes of IN, LN and BN. */
type Shares = Readonly<Record<"mean" | "variance", readonly (readonly number[])[]>>;
type Run = Shares & { readonly error: number };

/** The network and the loop of lesson 05. */
function train(batchSize: number, rate: number, one: number): Run {
  progress(`batches of ${batchSize}, rate ${rate}, seed ${one}`);
  const { train: known, test } = loadDigits({ seed: one, share: quick ? 0.2 : 1 });
  const generator = new Generator(one);
  const norms = [1, 2, 3].map(() => new SwitchableNorm2d(8));
  const block = (norm: Module, i: number): Module[] => [
    new Conv2d(i === 0 ? 1 : 8, 8, 3, { stride: i < 2 ? 2 : 1, padding: 1, bias: false, generator }),
    norm,
    new ReLU(),
  ];
  const end = [new AdaptiveAvgPool2d(1), new Flatten(), new Linear(8, 10, { generator })];
  const model = new Sequential(...norms.flatMap(block), ...end);
  const dataset = new TensorDataset(known.images, known.labels);
  const loader = new DataLoader(dataset, { batchSize, shuffle: true, generator, dropLast: true });
  const optimizer = new SGD(model.parameters(), { lr: (rate * batchSize) / 32, momentum: 0.9 });
  const scheduler = new CosineAnnealingLR(optimizer, { tMax: EPOCHS });
  for (let epoch = 0; epoch < EPOCHS; epoch++) {
    for (const [images, labels] of loader) {
      optimizer.zeroGrad();
      crossEntropy(model.forward(images), labels).backward();
      optimizer.step();
    }
    scheduler.step();
  }
  model.eval();
  const sharesOf = (logits: Tensor): number[] => [...logits.softmax(0).data];
  return noGrad(() => ({
    error: 100 - percentOf(rightOf(model.forward(test.images), test.labels)),
    mean: norms.map(({ meanWeight }) => sharesOf(meanWeight)),
    variance: norms.map(({ varWeight }) => sharesOf(varWeight)),
  }));
}

const results = RATES.flatMap((rate) =>
  SIZES.map((size) => ({ rate, size, runs: SEEDS.map((one) => train(size, rate, one)) })),
);
const runsAt = (rate: number, size: number): readonly Run[] =>
  results.find((one) => one.rate === rate && one.size === size)?.runs ?? [];
const shares = (runs: readonly Run[], of: "mean" | "variance", layer: number, kind: Kind): number[] =>
  runs.map((run) => run[of][layer - 1]?.[KINDS.indexOf(kind)] ?? NaN);
say(`The network of lesson 05, with SwitchableNorm in its three layers; ${EPOCHS} epochs, ${SEEDS.length} seeds, the rate times batch size / 32.
  BN's share of the mean in the last layer, the mean of the seeds (smallest … largest), then the test error in %:`);
const rowsOf = (text: (runs: readonly Run[]) => string): string[][] =>
  SIZES.map((size) => [`batch ${size}`, ...RATES.map((rate) => text(runsAt(rate, size)))]);
const heads = RATES.map((rate) => `rate ${rate}`);
table(
  ["BN's share", ...heads],
  rowsOf((runs) => spreadText(shares(runs, "mean", 3, "BN"), 2)),
);
table(
  ["test error", ...heads],
  rowsOf((runs) => spreadText(runs.map(({ error }) => error))),
);
const points = SIZES.flatMap((size) =>
  (["mean", "variance"] as const).flatMap((of) =>
    [1, 2, 3].flatMap((layer) =>
      KINDS.map((kind) => ({ ...spreadPoint(kind, size, shares(runsAt(RATE, size), of, layer, kind)), of, layer })),
    ),
  ),
);
const y = { field: "y", type: "quantitative", title: "share" } as const;
await figure(
  "shares",
  {
    data: { values: points },
    facet: { column: { field: "layer", title: "layer" }, row: { field: "of", title: null } },
    spec: {
      width: 190,
      height: 150,
      encoding: {
        x: {
          field: "x",
          type: "quantitative",
          title: "images in a batch",
          scale: { type: "log", base: 2 },
          axis: { grid: false, values: SIZES, format: "d", labelFlush: false },
        },
        color: { field: "name", title: null, sort: null, legend: { symbolOpacity: 1 }, scale: { range: [...COLOURS] } },
      },
      layer: [
        { mark: { type: "area", opacity: 0.18 }, encoding: { y: { ...y, field: "low" }, y2: { field: "high" } } },
        { mark: { type: "line", point: true }, encoding: { y } },
      ],
    },
  },
  `What each layer takes of the mean (above) and of the variance (below) with rate ${RATE}: mean of ${SEEDS.length} seeds, with a band`,
);
const largest = Math.max(...SIZES);
/** How many times as large the share is at 2 as at the largest size, for each rate and seed. */
const times = (of: "mean" | "variance", layer: number, kind: Kind): number[] =>
  RATES.flatMap((rate) => {
    const [before, after] = [largest, 2].map((size) => shares(runsAt(rate, size), of, layer, kind));
    return (after ?? []).map((share, i) => share / (before?.[i] ?? NaN));
  });
const [ofBN, ofLN, early] = [times("mean", 3, "BN"), times("mean", 3, "LN"), times("mean", 1, "BN")];
say(`With 2 images the last layer takes of BN's mean ${spreadText(ofBN, 2)} times what it takes with ${largest}, of LN's
  ${Math.min(...ofLN).toFixed(1)} to ${Math.max(...ofLN).toFixed(1)} times (all rates): here the claim holds. In the first layer, with 4×4 pixels, BN's factor is
  ${spreadText(early, 2)}: there it does not. For BN's variance in the last layer it is ${spreadText(times("variance", 3, "BN"), 2)}.`);
check("the last layer's share of BN's mean falls by a third or more", Math.max(...ofBN) < 2 / 3);
check("that of LN's grows by a fifth or more", Math.min(...ofLN) > 1.2);
check("the first layer's share of BN's mean does not fall by a third", Math.min(...early) > 2 / 3);
