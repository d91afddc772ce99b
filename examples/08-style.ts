import { concat, Generator, grad, manualSeed, Module, noGrad, randn, setDefaultDtype, tensor } from "normgrad";
import type { Tensor } from "normgrad";
import { Adam, AvgPool2d, Conv2d, crossEntropy, DataLoader, Flatten, Identity, Linear, ReLU } from "normgrad/nn";
import { Sequential, TensorDataset } from "normgrad/nn";
import { adaptiveInstanceNorm, BatchNorm2d, ConditionalInstanceNorm, InstanceNorm2d } from "normgrad/norms";
import { percentOf, rightOf } from "./shared/accuracy.ts";
import { curves } from "./shared/chart.ts";
import { loadDigits, type Split, splitDigits } from "./shared/digits.ts";
import { lesson } from "./shared/lesson.ts";
import { pictures } from "./shared/pictures.ts";
import { dusk, hills, lagoon } from "./shared/scenes.ts";
import { spreadOf, spreadPoint, spreadText } from "./shared/spread.ts";
import { short } from "./shared/text.ts";
import { tune } from "./shared/tuning.ts";

const { quick, seed, heading, say, table, figure, check, progress } = lesson(import.meta.url, {
  title: "InstanceNorm forgets contrast, and a style puts it back",
  claim:
    "InstanceNorm takes contrast and brightness out of a channel; AdaIN and conditional InstanceNorm put others in.",
  source:
    "Ulyanov et al. (2016), Instance normalization, https://arxiv.org/abs/1607.08022; Huang, Belongie (2017), Arbitrary style transfer in real-time, https://arxiv.org/abs/1703.06868; Dumoulin et al. (2017), A learned representation for artistic style, https://arxiv.org/abs/1610.07629",
});
const seeds = Array.from({ length: quick ? 2 : 4 }, (_, i) => seed + i);
const [content, styles] = [hills(0), concat([dusk(), lagoon()])];
const meanOf = (picture: Tensor): Tensor => picture.mean([2, 3], true);
const stdOf = (picture: Tensor): Tensor => picture.variance([2, 3], { correction: 0, keepdim: true }).sqrt();
const farthest = (a: Tensor, b: Tensor): number => a.sub(b).abs().max().item();

heading("What InstanceNorm does not see");
const [norm, usual, view] = [new InstanceNorm2d(3, { eps: 0 }), new InstanceNorm2d(3), content.mul(0.5).add(0.3)];
const [before, after] = [farthest(view, content), farthest(norm.forward(view), norm.forward(content))];
say(`A landscape, and the same with half the contrast and brighter by 0.3, differ by up to ${short(before)}. After InstanceNorm by
  ${short(after)}; with the usual eps of 1e-5, which a small variance feels, by ${short(farthest(usual.forward(view), usual.forward(content)))}.`);
check("after it they are one picture, to rounding", before > 0.1 && after < 1e-12);
const x = tensor(content.data, { shape: content.shape, requiresGrad: true });
const [gradX = x] = grad(norm.forward(x).mul(randn(x.shape)).sum(), [x]);
const [length, away] = [gradX.square().sum().sqrt().item(), content.sub(meanOf(content))];
const slopes = Object.entries({ brighter: gradX.sum([2, 3]), "more contrast": gradX.mul(away).sum([2, 3]) });
say(
  `What it does not see gets no gradient. That of a loss behind it is ${short(length)} long, but its slope is, along`,
);
const slopeRows = slopes.map(([name, { data }]) => [name, ...data]);
table(["", "red", "green", "blue"], slopeRows);
check("both are 0, to rounding", Math.max(...slopes.map(([, slope]) => slope.abs().max().item())) < 1e-11 * length);

heading("AdaIN: another picture's mean and standard deviation");
const adapted = adaptiveInstanceNorm(concat([content, content]), styles, { eps: 0, unbiased: false });
const colours = (name: string, picture: Tensor): string[] => {
  const stds = stdOf(picture).data;
  return [name, ...Array.from(meanOf(picture).data, (mean, i) => `${mean.toFixed(3)} ± ${stds[i]?.toFixed(3)}`)];
};
const rows = [colours("content", content), colours("dusk", dusk()), colours("content as dusk", adapted.slice(0, 0, 1))];
table(["mean ± standard deviation", "red", "green", "blue"], rows);
const statistics = (picture: Tensor): Tensor => concat([meanOf(picture), stdOf(picture)], 1);
check("AdaIN has the style's, to rounding", farthest(statistics(adapted), statistics(styles)) < 1e-14);

heading("Conditional InstanceNorm: one network, a weight and a bias for each style");
class Stylist extends Module<readonly [pictures: Tensor, styles: readonly number[]]> {
  readonly encode = new Conv2d(3, 8, 3, { padding: 1 });
  readonly norm = new ConditionalInstanceNorm(8, 2);
  readonly decode = new Conv2d(8, 3, 3, { padding: 1 });

  override forward(pictures: Tensor, styles: readonly number[]): Tensor {
    return this.decode.forward(this.norm.forward(this.encode.forward(pictures), styles).relu());
  }
}
const styleLoss = (made: Tensor): Tensor => statistics(made).sub(statistics(styles)).square().mean();
const stylists = seeds.map((own) => {
  manualSeed(own);
  const [stylist, phases] = [new Stylist(), new Generator(own)];
  const optimizer = new Adam(stylist.parameters(), { lr: 0.02 });
  for (let step = 1; step <= (quick ? 40 : 150); step++) {
    const landscape = hills(1 + 4 * phases.uniform()); // phase 0 is what it is asked about
    const made = stylist.forward(concat([landscape, landscape]), [0, 1]);
    const contentLoss = norm.forward(made).sub(norm.forward(landscape)).square().mean();
    optimizer.zeroGrad();
    styleLoss(made).add(contentLoss.mul(0.05)).backward();
    optimizer.step();
    progress(`seed ${own}: step ${step}`);
  }
  const twice = concat([content, content]);
  const [made, swapped] = [noGrad(() => stylist.forward(twice, [0, 1])), noGrad(() => stylist.forward(twice, [1, 0]))];
  return { made, near: styleLoss(made).sqrt().item(), far: styleLoss(swapped).sqrt().item() };
});
const [near, far] = [stylists.map((stylist) => stylist.near), stylists.map((stylist) => stylist.far)];
say(`The convolutions are the styles' in common. After learning on random hills, its picture of hills that it never saw is ${spreadText(near, 3)}
  away from the style's statistics; with the weight and bias of the other style, ${spreadText(far, 3)}.`);
check("the style is in weight and bias: twice as near with its own", Math.min(...far) > 2 * Math.max(...near));
const grid = ["dusk", "lagoon"].flatMap((row, i) => [
  { row, column: "content", image: content },
  { row, column: "style", image: styles.slice(0, i, i + 1) },
  { row, column: "AdaIN", image: adapted.slice(0, i, i + 1) },
  { row, column: "conditional InstanceNorm", image: (stylists[0]?.made ?? adapted).slice(0, i, i + 1) },
]);
await figure("pictures", pictures(grid), "Hills with the means and standard deviations of two other pictures");

heading("Digits in another light");
setDefaultDtype("float32");
const norms = {
  "no norm": (): Module => new Identity(),
  BatchNorm: (channels: number): Module => new BatchNorm2d(channels),
  InstanceNorm: (channels: number): Module => new InstanceNorm2d(channels, { affine: true }),
};
const NAMES = ["no norm", "BatchNorm", "InstanceNorm"] as const;
type Right<Answer = number> = (contrast: number, brightness?: number) => Answer;

/** Answers how many of the asked digits are named rightly in %, in some light. */
function learn(name: keyof typeof norms, lr: number, own: number, { train, test }: Split): Right {
  manualSeed(own);
  const first = [new Conv2d(1, 8, 3), norms[name](8), new ReLU()]; // no padding: it would stay black
  const second = [new Conv2d(8, 16, 3), norms[name](16), new ReLU(), new AvgPool2d(2), new Flatten()];
  const model = new Sequential(...first, ...second, new Linear(64, 10));
  const loader = new DataLoader(new TensorDataset(train.images, train.labels), { batchSize: 32, shuffle: true });
  const optimizer = new Adam(model.parameters(), { lr });
  for (let epoch = 1; epoch <= (quick ? 2 : 5); epoch++) {
    progress(`${name}, rate ${lr}, seed ${own}: epoch ${epoch}`);
    for (const [images, labels] of loader) {
      optimizer.zeroGrad();
      crossEntropy(model.forward(images), labels).backward();
      optimizer.step();
    }
  }
  return (contrast, brightness = 0) => {
    const logits = noGrad(() => model.eval().forward(test.images.mul(contrast).add(brightness)));
    return percentOf(rightOf(logits, test.labels));
  };
}
const tuned = tune(NAMES, quick ? [0.01] : [0.003, 0.01, 0.03, 0.1], seeds.slice(0, 2), (name, lr, own) =>
  learn(name, lr, own, splitDigits(loadDigits({ seed: own }).train, { seed: own }))(1),
);
say("Adam's rate is chosen by a fifth of the training images, held back; of these, named rightly in %:");
table(tuned.heads, tuned.rows);
const split = (own: number): Split => loadDigits({ seed: own, share: quick ? 0.6 : 1 });
const models = NAMES.map((name) => seeds.map((own) => learn(name, tuned.rateOf(name), own, split(own))));
const inLight: Right<number[][]> = (...light) => models.map((runs) => runs.map((right) => right(...light)));
const points = [0.25, 0.5, 1, 2].flatMap((contrast) =>
  inLight(contrast).map((values, i) => spreadPoint(NAMES[i] ?? "", 100 * contrast, values)),
);
const axes = { x: "contrast of the test images, %", y: "named rightly, %", xScale: "log2" } as const;
await figure("light", curves(points, axes), "Test digits named rightly by contrast: mean and range of the seeds");
const lights = { "as trained": inLight(1), "contrast ¼": inLight(0.25), "brighter by ½": inLight(1, 0.5) };
const lines = Object.entries(lights).map(([light, all]) => [light, ...all.map((values) => spreadText(values))]);
table([`named rightly, % (${seeds.length} seeds)`, ...NAMES], lines);
const [first = [], ...rest] = Object.values(lights).map((all) => all.map((values) => spreadOf(values).mean));
const [plain = [], batch = [], instance = []] = first.map((all, i) => rest.map((of) => all - (of[i] ?? NaN)));
check("InstanceNorm loses less than 1 in either light", Math.max(...instance) < 1);
check("no norm and BatchNorm lose more than 3 in each", Math.min(...plain, ...batch) > 3);
say(`In the kinder of both lights the network without a norm loses ${Math.min(...plain).toFixed(1)}, the one with BatchNorm ${Math.min(...batch).toFixed(1)}: it normalizes by
  the statistics of its training. Where contrast itself is what matters, InstanceNorm cannot know it.`);
