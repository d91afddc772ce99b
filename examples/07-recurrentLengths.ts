import { full, manualSeed, Module, noGrad, Parameter, setDefaultDtype, stack, zeros } from "normgrad";
import type { Tensor } from "normgrad";
import { Adam, crossEntropy, DataLoader, Linear, TensorDataset } from "normgrad/nn";
import { BatchNorm1d, LayerNorm } from "normgrad/norms";
import { percentOf, rightOf } from "./shared/accuracy.ts";
import { curves } from "./shared/chart.ts";
import { type Labelled, loadDigits, splitDigits } from "./shared/digits.ts";
import { lesson } from "./shared/lesson.ts";
import { spreadOf, spreadPoint, spreadText } from "./shared/spread.ts";
import { tune } from "./shared/tuning.ts";

const { quick, seed, heading, say, table, figure, check, progress } = lesson(import.meta.url, {
  title: "A recurrent network over sequences of different lengths",
  claim: "LayerNorm does the same at every step of a sequence; BatchNorm knows no step that training never reached.",
  source:
    "Ba, Kiros, Hinton (2016), Layer normalization, section 3.1, https://arxiv.org/abs/1607.06450; Cooijmans et al. (2016), Recurrent batch normalization, section 3, https://arxiv.org/abs/1603.09025",
});
const [ROWS, HIDDEN, PLACES, TRAINED, KNOWN] = [8, 32, 6, 3, 24];
const [EPOCHS, share] = quick ? [2, 0.6] : [12, 1];
const seeds = Array.from({ length: quick ? 2 : 4 }, (_, i) => seed + i);
setDefaultDtype("float32");
const NAMES = ["no norm", "LayerNorm", "BN pooled", "BN per step"] as const;

/** One norm for all steps, or one for each step; weight and bias are the steps' in common. */
function normsOf(name: string): Module[] {
  if (name === "no norm") return [];
  if (name === "LayerNorm") return [new LayerNorm(HIDDEN, { elementwiseAffine: false })];
  const count = name === "BN per step" ? PLACES * ROWS : 1;
  return Array.from({ length: count }, () => new BatchNorm1d(HIDDEN, { affine: false }));
}

/** Reads a number of several digits, a row a step, h′ = tanh(norm(W·x + U·h)), and names a digit after each eighth. */
class Reader extends Module {
  readonly input = new Linear(8, HIDDEN, { bias: false });
  readonly recurrent = new Linear(HIDDEN, HIDDEN, { bias: false });
  readonly output = new Linear(HIDDEN, 10);
  readonly bias = new Parameter(zeros([HIDDEN]));
  readonly weight: Parameter;
  readonly norms: readonly Module[];
  last = Infinity; // later steps use the norm of this one

  constructor(name: string) {
    super();
    this.norms = normsOf(name);
    this.weight = new Parameter(full([HIDDEN], name.startsWith("BN") ? 0.1 : 1)); // as the papers begin
  }

  override forward(rows: Tensor): Tensor {
    const named: Tensor[] = [];
    let h = zeros([rows.shape[0] ?? 0, HIDDEN]);
    for (let step = 0; step < (rows.shape[1] ?? 0); step++) {
      const sum = this.input.forward(rows.select(1, step)).add(this.recurrent.forward(h));
      const norm = this.norms[Math.min(step, this.last, this.norms.length - 1)];
      h = (norm ? norm.forward(sum).mul(this.weight) : sum).add(this.bias).tanh();
      if (step % ROWS === ROWS - 1) named.push(this.output.forward(h));
    }
    return stack(named, 1).reshape([-1, 10]);
  }
}

/** A batch is 48 images: 48 numbers of one digit, 24 of two, or 16 of three. Nothing is padded. */
function train(name: string, lr: number, own: number, { images, labels }: Labelled): [model: Reader, losses: number[]] {
  manualSeed(own);
  const model = new Reader(name);
  const loader = new DataLoader(new TensorDataset(images, labels), { batchSize: 48, shuffle: true, dropLast: true });
  const optimizer = new Adam(model.parameters(), { lr });
  const losses = Array.from({ length: EPOCHS }, (_, epoch) => {
    let sum = 0;
    for (const [batch, target] of loader) {
      const digits = 1 + loader.generator.integer(TRAINED);
      optimizer.zeroGrad();
      const loss = crossEntropy(model.forward(batch.reshape([-1, digits * ROWS, 8])), target);
      loss.backward();
      optimizer.step();
      sum += loss.item();
    }
    progress(`${name}, rate ${lr}, seed ${own}: epoch ${epoch + 1} of ${EPOCHS}`);
    return sum / loader.length;
  });
  return [model, losses];
}

/** Digits named rightly in %, at each place of a number. */
function accuracies(model: Reader, { images, labels }: Labelled, places: number): number[] {
  const used = labels.length - (labels.length % places);
  const logits = noGrad(() => model.eval().forward(images.slice(0, 0, used).reshape([-1, places * ROWS, 8])));
  const right = rightOf(logits, labels.subarray(0, used));
  return Array.from({ length: places }, (_, place) => percentOf(right.filter((_, i) => i % places === place)));
}
const mean = (values: readonly number[]): number => spreadOf(values).mean;

heading("A learning rate for each");
say(`A sequence is a number of 1 to ${TRAINED} digits, ${ROWS} rows of pixels each. Adam's rate is chosen by a fifth of the training
  images, held back; of their digits, named rightly in % (BN: BatchNorm):`);
const tuned = tune(NAMES, quick ? [0.02] : [0.003, 0.01, 0.03, 0.1], seeds.slice(0, quick ? 1 : 2), (name, lr, own) => {
  const { train: known, test: asked } = splitDigits(loadDigits({ seed: own }).train, { seed: own });
  return mean(accuracies(train(name, lr, own, known)[0], asked, TRAINED));
});
table(tuned.heads, tuned.rows);

heading("Numbers longer than any in training");
const runs = NAMES.flatMap((name) =>
  seeds.flatMap((own) => {
    const [{ train: images }, { test }] = [loadDigits({ seed: own, share }), loadDigits({ seed: own })];
    const [model, losses] = train(name, tuned.rateOf(name), own, images);
    const run = { name, model, losses, byPlace: accuracies(model, test, PLACES) };
    model.last = KNOWN - 1;
    const held = { ...run, name: "BN last known", byPlace: accuracies(model, test, PLACES) };
    return name === "BN per step" ? [run, held] : [run];
  }),
);
const of = (name: string): typeof runs => runs.filter((run) => run.name === name);
const lines = [...NAMES, "BN last known"].map((name) => {
  const byPlace = of(name).map((run) => run.byPlace);
  const halfFrom = (place: number): number[] => byPlace.map((run) => mean(run.slice(place, place + TRAINED)));
  const [early, late] = [halfFrom(0), halfFrom(TRAINED)];
  return { name, byPlace, early, late, falls: early.map((percent, i) => percent - (late[i] ?? NaN)) };
});
const points = lines.flatMap(({ name, byPlace: [first = [], ...others] }) =>
  first.map((percent, i) => spreadPoint(name, ROWS * (i + 1), [percent, ...others.map((run) => run[i] ?? NaN)])),
);
const axes = { x: `step after which the digit is named (in training at most ${KNOWN})`, y: "named rightly, %" };
await figure("steps", curves(points, axes), "Test digits along a number of six: mean and range of the seeds");
say(`Numbers of ${PLACES} test digits. From step ${KNOWN + 1} on “BN per step” comes to layers that no batch ever reached; “BN last
  known” uses step ${KNOWN}'s there, as Cooijmans et al. do. Named rightly in %, ${seeds.length} seeds:`);
table(
  ["", `places 1 to ${TRAINED}`, `places ${TRAINED + 1} to ${PLACES}`, "falls by"],
  lines.map(({ name, early, late, falls }) => [name, ...[early, late, falls].map((values) => spreadText(values))]),
);
const [plain = NaN, layer = NaN, pooled = NaN, untold = NaN, held = NaN] = lines.map(({ falls }) => mean(falls));
check("BN per step falls by more than 20", untold > 20);
check("LayerNorm, BN pooled and no norm by less than a fourth of that", untold > 4 * Math.max(plain, layer, pooled));
say(`With the last known statistics it falls by ${held.toFixed(1)}, LayerNorm by ${layer.toFixed(1)}. But no norm is needed for that (${plain.toFixed(1)}), and BatchNorm
  pooled over the steps, against which Cooijmans et al. advise, does it too (${pooled.toFixed(1)}): that does not reproduce here.`);

heading("The statistics of each step");
say("Running variance of a step, mean over the units, and how many batches the step has seen. Step 1 has no past:");
const kept = (step: number, which: 1 | 2): number[] =>
  of("BN per step").map(({ model }) => model.norms[step - 1]?.buffers()[which]?.mean().item() ?? NaN);
const stepRow = (step: number): (string | number)[] => [`${step}`, spreadText(kept(step, 1), 2), mean(kept(step, 2))];
table(["step", "variance", "batches"], [1, 2, ROWS, ROWS + 1, KNOWN, KNOWN + 1].map(stepRow));
check("step 1 has less than half the variance of step 2", 2 * mean(kept(1, 1)) < mean(kept(2, 1)));
check(`step ${KNOWN + 1} has seen no batch`, mean(kept(KNOWN + 1, 2)) === 0);

heading("Does LayerNorm learn faster?");
const loss = (epoch: number, name: string): number[] => of(name).map(({ losses }) => losses[epoch - 1] ?? NaN);
const texts = (epoch: number): string[] => ["LayerNorm", "no norm"].map((name) => spreadText(loss(epoch, name), 2));
const faster = spreadOf(loss(EPOCHS, "LayerNorm")).high < spreadOf(loss(EPOCHS, "no norm")).low;
say(`Training loss with LayerNorm and without a norm after one epoch: ${texts(1).join(" and ")}; after ${EPOCHS}: ${texts(EPOCHS).join(" and ")}.
  Ba et al. report shorter training: that ${faster ? "reproduces here" : "does not reproduce here: not all seeds with LayerNorm end below all without"}.`);
