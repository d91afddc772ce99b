/** Every lesson is given, in its quick form: it comes to its end, shows what it claims, and says the known numbers. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { ROOT } from "../../helpers/cli.ts";
import { give, giveUntil } from "./give.ts";

const OUT = mkdtempSync(join(tmpdir(), "lessons-"));
afterAll(() => rmSync(OUT, { recursive: true, force: true }));

const EXAMPLES = join(ROOT, "examples");
const lessons = readdirSync(EXAMPLES).filter((name) => /^\d\d-\w+\.ts$/.test(name));
const sourceOf = (name: string): string => readFileSync(join(EXAMPLES, name), "utf8");

/** What each must print; blanks do not matter. */
const expected: Readonly<Record<string, readonly string[]>> = {
  "01-neuronAndTape.ts": [
    "%1 = mul(weight[3], x[3]) : [3]",
    "%6 = square(%5) : []",
    "mul -1.783, -1.783, -1.783 -1.783, 3.566, -0.8914",
    "weight[1] 3.566 3.566",
    "takes the loss from 0.8106 to 0.02626",
  ],
  "02-layerNormBackward.ts": [
    "x = 1 0.373 -0.09325 -0.09812 0.1816 0.1816",
    "x = 8 0 -0.09325 0.1516 0.05838 0.05838",
    "[5], n = 1 221.4 -221.4 0 0",
    "✓ the three terms add up to what nudging measures",
    "✓ “treat mean and variance as constants” does not",
  ],
  "03-onePictureFourPartitions.ts": [
    "BatchNorm AAAA BBBB CCCC DDDD AAAA BBBB CCCC DDDD",
    "LayerNorm AAAA AAAA AAAA AAAA BBBB BBBB BBBB BBBB",
    "InstanceNorm AAAA BBBB CCCC DDDD EEEE FFFF GGGG HHHH",
    "GroupNorm, 2 groups AAAA AAAA BBBB BBBB CCCC CCCC DDDD DDDD",
    "✓ GroupNorm, 2 groups: the function has the layer's output",
    "✓ a sample depends on its batch in BatchNorm, and in no other",
  ],
  "04-digitsWithEveryNorm.ts": [
    "none 2.3164762589200 2.3164762589200",
    "BatchNorm 0.5868691648409 0.5868691648409",
    "InstanceNorm 0.4266845040168 0.4266845040168",
    "✓ each of 25 losses is PyTorch's within 1e-9, with every norm and without",
    "✓ every norm ends above the network without",
  ],
  "05-batchSize.ts": [
    "off by 0.09 0.12 0.16 0.21 0.31",
    "✓ with 2 images the mean is off at least 3 times as far as with 32",
    "✓ BatchNorm's test error grows by at least a fifth",
    "✓ the others' grows by less than half as much, if at all",
    "✓ so it is with the images that were learned",
  ],
  "06-runningStatistics.ts": [
    "0.01; in Keras 0.99 0.05 0.4781 3.17 4.33",
    "✓ BatchNorm: with 8 images a batch every seed is farther apart than any with 32",
    "✓ BatchRenorm: at every size less than a tenth as far as BatchNorm",
    "✓ among its like BatchNorm loses at least 10 of 100 answers, BatchRenorm at most 3",
    "✓ with momentum 0.02 every seed is worse in eval() than any with 0.1",
  ],
  "07-recurrentLengths.ts": [
    "Numbers of 6 test digits. From step 25 on “BN per step” comes to layers that no batch ever reached",
    "25 1.00 (1.00 … 1.00) 0 ✓",
    "✓ BN per step falls by more than 20",
    "✓ LayerNorm, BN pooled and no norm by less than a fourth of that",
    "✓ step 25 has seen no batch",
  ],
  "08-style.ts": [
    "✓ after it they are one picture, to rounding",
    "content 0.459 ± 0.087 0.618 ± 0.103 0.638 ± 0.329",
    "dusk 0.683 ± 0.209 0.221 ± 0.101 0.411 ± 0.087 content as dusk 0.683 ± 0.209 0.221 ± 0.101 0.411 ± 0.087",
    "✓ AdaIN has the style's, to rounding",
    "✓ the style is in weight and bias: twice as near with its own",
    "✓ InstanceNorm loses less than 1 in either light",
  ],
  "09-switchableNorm.ts": [
    "✓ each of the norms is a SwitchableNorm, within 1e-5",
    "✓ the last layer's share of BN's mean falls by a third or more",
    "✓ that of LN's grows by a fifth or more",
    "✓ the first layer's share of BN's mean does not fall by a third",
  ],
  "10-checkYourOwnOp.ts": [
    "✓ the simple test passes a wrong backward",
    "FAIL layerNorm: gradX is wrong",
    "weight forgotten parameter: it passes when weight = 1",
    "mean path lost mean path: the path through the mean is missing; the one through the variance is right",
    "n − 1 count: the path through the variance is",
    "last cell indices: the gradient of x is 0 where",
    "ok layerNorm: 60 cases, each number within its rounding bound",
  ],
  "11-gradientPenalty.ts": [
    "✓ second order is right: both agree within 1e-7",
    "✓ with LayerNorm only its own point reaches a score",
    "✓ with BatchNorm every point of the batch does",
    "✓ with the penalty every critic is about as steep as 1",
  ],
  "12-pytorchInOut.ts": [
    '4268 bytes, with the metadata {"format":"pt"}',
    "1.num_batches_tracked [] float64 30",
    "0 1.49618 0.03682 -1.91966 1.49618 0.03682 -1.91966",
    "✓ BatchNorm has counted 60 batches",
    "✓ what PyTorch wrote is written back byte for byte",
  ],
  "13-depth.ts": [
    "✓ with PyTorch's weights less than 1/10,000 of the gradient reaches layer 1",
    "✓ with BatchNorm it grows more than fivefold on its way to layer 1",
    "✓ with PyTorch's weights and no norm, no rate and no seed gets 20 in 100 right",
    "✓ BatchNorm gets more than twice as many, with each seed",
    "✓ at rate 0.1 BatchNorm's worst seed is ahead of all without it",
  ],
  "14-transformer.ts": [
    "The text: 3+1=4;6+0=6;1+1=2;9+3=12 and so on",
    "✓ next to the output Post-LN's gradient is more than 1.4 times Pre-LN's, with each seed",
    "✓ without a warm-up, at rate 0.02, Pre-LN is ahead with each seed",
    "✓ RMSNorm's best is within 0.1 of LayerNorm's",
    "1 parameter instead of 2, one sum over each row instead of two",
  ],
};

const condensed = (text: string): string => text.replaceAll(/\s+/g, " ");

describe("lessons", () => {
  test.each(lessons)("%s fits on a projector, and uses the public face alone", (name) => {
    const source = sourceOf(name);
    expect(source.split("\n").length).toBeLessThanOrEqual(151);
    const imports = Array.from(source.matchAll(/ from "([^"]+)"/g), ([, from = ""]) => from);
    expect(imports).toContain("./shared/lesson.ts");
    for (const from of imports) expect(from).toMatch(/^(normgrad(\/\w+)?|node:\w+|\.\/shared\/\w+\.ts)$/);
  });

  test.concurrent.each(lessons)(
    "%s shows what it claims, says the known numbers and writes its page",
    async (name) => {
      const { code, stdout, stderr } = await give(join("examples", name), "--quick", "--out", OUT);
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
      expect(stdout).not.toMatch(/✗|NaN|undefined/);
      expect(stdout.match(/^✓ /gm)?.length).toBeGreaterThanOrEqual(3);
      expect(expected[name]?.length, "its numbers are listed above").toBeGreaterThan(2);
      for (const text of expected[name] ?? []) expect(condensed(stdout)).toContain(text);

      const page = readFileSync(join(OUT, `${basename(name, ".ts")}.html`), "utf8");
      const figures = Array.from(stdout.matchAll(/^Figure: (.+)$/gm), ([, path = ""]) => path);
      expect(page).toMatch(/<h1>[^<]+<\/h1>/);
      expect(page.match(/<figure><svg role="img" aria-label="[^"]+"/g)?.length ?? 0).toBe(figures.length);
      for (const path of figures) expect(readFileSync(path, "utf8")).toMatch(/^<svg [^]*<\/svg>$/);
      expect(page.match(/<(script|link|img|iframe)\b/g), "nothing is loaded from elsewhere").toBeNull();
      expect(page).not.toMatch(/NaN|undefined/);
    },
    100_000,
  );

  test("the model that lesson 12 writes is there to be read by PyTorch", () => {
    expect(existsSync(join(OUT, "12-model.safetensors"))).toBe(true);
  });
});

describe("a lesson", () => {
  const [first = ""] = lessons;

  test("says with --help what it is and which options it has, and nothing else", async () => {
    const { code, stdout } = await give(join("examples", first), "--help");
    expect(code).toBe(0);
    expect(stdout).toMatch(/^Usage: npx tsx examples\/01-neuronAndTape.ts \[options\]/);
    for (const option of ["--quick", "--seed", "--out", "--docs"]) expect(stdout).toContain(option);
    expect(stdout).not.toContain("✓");
  }, 60_000);

  test("refuses an option that it does not know, in one line", async () => {
    const { code, stdout, stderr } = await give(join("examples", first), "--fast");
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toMatch(/^Unknown option '--fast'.*\nSee npx tsx examples\/01-neuronAndTape.ts --help\n$/);
  }, 60_000);

  test("that does not show what it claims says so and ends with 1", async () => {
    const script = join(OUT, "99-wrong.ts");
    const head = `import { lesson } from "${join(EXAMPLES, "shared/lesson.ts")}";`;
    const text = 'const { check } = lesson(import.meta.url, { title: "Wrong", claim: "1 = 2", source: "nobody" });';
    writeFileSync(join(OUT, "package.json"), '{ "type": "module" }');
    writeFileSync(script, `${head}\n${text}\ncheck("1 is 1", true);\ncheck("1 is 2", false);\n`);
    const { code, stdout } = await give(script, "--out", OUT);
    expect(code).toBe(1);
    expect(stdout).toContain("✓ 1 is 1\n✗ 1 is 2\n");
    expect(readFileSync(join(OUT, "99-wrong.html"), "utf8")).toContain('<p class="fails">✗ 1 is 2</p>');
  }, 60_000);
});

describe("npm run lesson", () => {
  test("lists the lessons, gives one by its number, and refuses what is none", async () => {
    const run = join("examples", "shared/run.ts");
    const [list, one, none] = await Promise.all([give(run), give(run, "1", "--quick", "--out", OUT), give(run, "98")]);
    expect(list.code).toBe(0);
    expect(list.stdout.match(/^ {2}\d\d {2}\S/gm)?.length).toBe(lessons.length);
    expect(list.stdout).toContain("03  One picture, four partitions");
    expect(one.code).toBe(0);
    expect(one.stdout).toContain("One neuron and its tape");
    expect(none.code).toBe(1);
    expect(none.stderr).toContain('expected a lesson\'s number, got "98"');
  }, 60_000);

  test("gives all one after the other, counts them, and ends at Ctrl-C with the lesson that it is at", async () => {
    const { code, stdout } = await giveUntil(
      "lesson 2 of",
      join("examples", "shared/run.ts"),
      "all",
      "--quick",
      "--out",
      OUT,
    );
    expect(code).toBe(130);
    expect(stdout).toContain(`═══ ${lessons[0]}: lesson 1 of ${lessons.length} ═══`);
    expect(stdout).toMatch(/\nInterrupted\n$/);
    expect(stdout).not.toContain("lesson 3 of");
  }, 60_000);
});
