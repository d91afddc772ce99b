import { grad, LayerNorm, normDescriptors, tensor } from "normgrad";
import { describe, expect, test } from "vitest";
import { faultOfRound, faults, visibleFaults } from "../src/faults.ts";
import { mapsOf, statistics, subjectOf } from "../src/model.ts";
import { initial, state } from "../src/state.ts";
import { casesOf } from "../src/subject.ts";
import { tapeOfState } from "../src/tape.ts";
import precomputed from "../src/training/precomputed.json" with { type: "json" };
import { spreadOf } from "../src/training/spread.ts";
import { close, open, reach, valuesOf, withBrowser } from "./browser.ts";

withBrowser();

const initialBroken = () => {
  state.value = initial;
  const subject = subjectOf(initial);
  if (!subject) throw new Error("expected a case");
  return visibleFaults(initial, mapsOf(initial, subject), statistics.value);
};

describe("break it", () => {
  test("all five faults show in the first example, and five rounds plant each once", () => {
    const broken = initialBroken();
    expect(broken.map(({ fault }) => fault.name)).toEqual(faults.map(({ name }) => name));
    expect(new Set([1, 2, 3, 4, 5].map((round) => faultOfRound(round, broken)?.fault.name)).size).toBe(5);
  });

  test("nothing but direct is there in evaluation: no fault of the statistics is planted", () => {
    const evaluation = casesOf("batchNorm", initial.shape, "NCHW", 1e-5).find(
      ({ label }) => label === "evaluation, no affine",
    );
    const now = { ...initial, norm: "batchNorm", option: evaluation?.label ?? "" };
    const subject = subjectOf(now);
    expect(subject && visibleFaults(now, mapsOf(now, subject), []).map(({ fault }) => fault.name)).not.toContain(
      "mean",
    );
  });

  test("the means divided by n − 1 are what a formula with them gives, and are planted only where there are means", () => {
    const x = tensor([1, 2, 4, 8]);
    const g = tensor([1, 0, 0, 2]);
    const rstd = x.variance([0], { correction: 0 }).add(1e-5).pow(-0.5);
    const xhat = x.sub(x.mean()).mul(rstd);
    const short = (values: typeof x): typeof x => values.sum().div(3);
    const expected = g
      .sub(short(g))
      .sub(xhat.mul(short(g.mul(xhat))))
      .mul(rstd);

    const shown = (norm: string, option: string): ReturnType<typeof visibleFaults> => {
      const found = casesOf(norm, [1, 4, 1, 1], "NHWC", 1e-5).find(({ label }) => label.startsWith(option));
      state.value = {
        ...initial,
        norm,
        option: found?.label ?? "",
        layout: "NHWC",
        shape: [1, 4, 1, 1],
        x: [1, 2, 4, 8],
        gradOutput: [1, 0, 0, 2],
      };
      const subject = subjectOf(state.value);
      if (!subject) throw new Error("expected a case");
      return visibleFaults(state.value, mapsOf(state.value, subject), statistics.value);
    };
    const planted = shown("layerNorm", "normalizedShape [4], no affine").find(({ fault }) => fault.name === "count");
    expect(planted?.gradient).toHaveLength(4);
    planted?.gradient.forEach((value, i) => expect(value).toBeCloseTo(expected.data[i] ?? NaN, 14));
    expect(new LayerNorm(4).eps).toBe(1e-5);
    for (const [norm, option] of [
      ["scaleNorm", "no affine"],
      ["normalize", "dim 3, p 2"],
      ["localResponseNorm", "size 2"],
      ["dynamicTanh", "normalizedShape [4], no affine"],
    ] as const) {
      expect(
        shown(norm, option).map(({ fault }) => fault.name),
        norm,
      ).not.toContain("count");
    }
  });

  test("the right guess is confirmed, a wrong one is not, and the next round has another fault", async () => {
    const opened = await open();
    const { page } = opened;
    await reach(page, "Break it");
    const planted = faultOfRound(1, initialBroken());
    const other = faults.find(({ name }) => name !== planted?.fault.name);
    const error = await valuesOf(page, "error of the broken gradInput");
    expect(error).toEqual(planted?.error.map((value) => value + 0));
    await page.getByRole("button", { name: other?.words ?? "" }).click();
    await page.getByText("✗ No.").waitFor();
    await page.getByRole("button", { name: planted?.fault.words ?? "" }).click();
    await page.getByText("✓ Yes.").waitFor();
    await page.getByRole("button", { name: "Another fault" }).click();
    expect(await valuesOf(page, "error of the broken gradInput")).not.toEqual(error);
    await page.goBack();
    await page.waitForFunction(() => !location.hash.includes("round"));
    await close(opened);
  });
});

describe("the tape", () => {
  test("is there for every norm, and opened it ends in the same gradient", () => {
    for (const { name } of normDescriptors) {
      const [first] = casesOf(name, initial.shape, "NCHW", 1e-5);
      const now = { ...initial, norm: name, option: first?.label ?? "" };
      const [shut, opened] = [tapeOfState(now, false), tapeOfState(now, true)];
      expect(shut?.nodes.length, name).toBeGreaterThan(2);
      expect(opened?.steps.length ?? 0, name).toBeGreaterThanOrEqual(shut?.steps.length ?? NaN);
      const subject = subjectOf(now);
      if (!subject) throw new Error(`expected a case of ${name}`);
      const leaf = tensor([...now.x], { requiresGrad: true });
      const shaped = leaf.reshape(now.shape);
      const gradOutput = tensor([...now.gradOutput]).reshape(now.shape);
      const byTrace = subject.case.trace([shaped, ...subject.inputs.slice(1)]).output.reshape(now.shape);
      const [gradient] = grad(byTrace.mul(gradOutput).sum(), [leaf]);
      mapsOf(now, subject).gradInput.forEach((value, i) => expect(gradient?.data[i], name).toBeCloseTo(value, 8));
    }
  });

  test("is stepped to the end and back, and opens", async () => {
    const opened = await open();
    const { page } = opened;
    await reach(page, "Step the tape");
    const line = page.locator("section[aria-labelledby=tape] pre");
    expect(await line.textContent()).toMatch(/^%1 = groupNorm\(x\[2,4,2,2\], weight\[4\], bias\[4\]; numGroups 2/);
    await page.getByRole("button", { name: "One step on" }).click();
    expect(await line.textContent()).toMatch(/^%2 = /);
    await page.getByRole("button", { name: "To the end" }).click();
    expect(await line.textContent()).toMatch(/^groupNorm receives/);
    const subject = subjectOf(initial);
    const first = (subject && mapsOf(initial, subject).gradInput[0]) ?? NaN;
    expect(await line.textContent()).toMatch(new RegExp(`to input 0: tensor\\(\\[+ *${first.toFixed(4)},`));
    expect(await page.getByRole("button", { name: "One step on" }).isDisabled()).toBe(true);
    await page.getByRole("switch", { name: "Open the norm" }).check();
    await page.locator("svg .node", { hasText: "rsqrtOrZero" }).waitFor();
    expect(new URL(page.url()).hash).toContain("opened=1");
    await close(opened);
  });
});

describe("training", () => {
  test("spreadOf takes the epochs that all seeds have: their mean, smallest and largest", () => {
    const runs = [
      [90, 20, 10],
      [80, 40],
    ];
    expect(spreadOf(runs)).toEqual({ mean: [85, 30], low: [80, 20], high: [90, 40] });
    expect(spreadOf([])).toEqual({ mean: [], low: [], high: [] });
  });

  test("what was trained before is what the page says of it", () => {
    const { errors, weights } = precomputed;
    expect(errors["batch 2"].low.at(-1)).toBeGreaterThan(errors["group 2"].high.at(-1) ?? NaN);
    const shares = [2, 4, 8, 32] as const;
    const ends = shares.map((size) => weights[`variance 2 ${size}`].mean.at(-1) ?? NaN);
    expect(ends).toEqual(ends.toSorted((a, b) => a - b));
    expect(ends[0]).toBeGreaterThan(1 / 3);
    const layers = shares.map((size) => weights[`mean 1 ${size}`].mean.at(-1) ?? NaN);
    expect(layers).toEqual(layers.toSorted((a, b) => b - a));
    for (const { mean, low, high } of [...Object.values(errors), ...Object.values(weights)]) {
      expect([mean.length, low.length, high.length]).toEqual([9, 9, 9]);
      mean.forEach((value, i) => {
        expect(low[i]).toBeLessThanOrEqual(value);
        expect(high[i]).toBeGreaterThanOrEqual(value);
      });
    }
  });

  test("four seeds at batch size 2: BatchNorm does not learn and GroupNorm does, with a spread; the page stays quick", async () => {
    const opened = await open("#v=1&norm=groupNorm&option=numGroups+2,+weight,+bias&shape=2,4,2,2&batch=2");
    const { page } = opened;
    await reach(page, "How small may a batch be?");
    expect(await page.locator("[data-trained=batch]").textContent()).toBe("–");
    await page.getByRole("button", { name: "Train both with 4 seeds" }).click();
    // While it trains the page answers.
    await page.getByRole("button", { name: "Instance", exact: true }).click();
    await page.getByText(/Trained: 8 runs in \d+\.\d s\./).waitFor({ timeout: 55_000 });
    const at = async (norm: string): Promise<readonly number[]> =>
      ((await page.locator(`[data-trained=${norm}]`).textContent()) ?? "").match(/[\d.]+/g)?.map(Number) ?? [];
    for (const norm of ["batch", "group"]) {
      const [mean = NaN, low = NaN, high = NaN] = await at(norm);
      expect(low).toBeLessThan(mean);
      expect(high).toBeGreaterThan(mean);
    }
    const [[, best = NaN], [, , worst = NaN]] = [await at("batch"), await at("group")];
    expect(best).toBeGreaterThan(30);
    expect(worst).toBeLessThan(25);
    await close(opened);
  });

  test("can be stopped, keeps what it has, and another batch size begins anew", async () => {
    const opened = await open("#v=1&norm=groupNorm&option=numGroups+2,+weight,+bias&shape=2,4,2,2&batch=4");
    const { page } = opened;
    await reach(page, "How small may a batch be?");
    const stop = page.locator("section[aria-labelledby=batch-size]").getByRole("button", { name: "Stop", exact: true });
    expect(await stop.isDisabled()).toBe(true);
    await page.getByRole("button", { name: "Train both with 4 seeds" }).click();
    await page.getByText(/Training: [1-7] of 8 runs/).waitFor({ timeout: 50_000 });
    await stop.click();
    await page.getByText("Stopped. What was trained stays.").waitFor();
    expect(await stop.isDisabled()).toBe(true);
    const both = `${await page.locator("[data-trained=batch]").textContent()}${await page.locator("[data-trained=group]").textContent()}`;
    expect(both).toMatch(/\d+\.\d \(/);
    await page
      .locator("section[aria-labelledby=batch-size]")
      .getByLabel("Batch size", { exact: true })
      .selectOption("8");
    await page.getByText("Stopped.").waitFor({ state: "detached" });
    expect(await page.locator("[data-trained=batch]").textContent()).toBe("–");
    expect(await page.locator("[data-trained=group]").textContent()).toBe("–");
    await close(opened);
  });

  test("SwitchableNorm's weights move away from a third each, and stay a mixture", async () => {
    const opened = await open("#v=1&norm=groupNorm&option=numGroups+2,+weight,+bias&shape=2,4,2,2&mix=32");
    const { page } = opened;
    await reach(page, "A norm that chooses");
    await page.getByRole("button", { name: "Train it at batch size 32" }).click();
    const words = page.getByText(/4 of 4 seeds, after epoch 8: mean/);
    await words.waitFor({ timeout: 55_000 });
    const numbers = ((await words.textContent()) ?? "").match(/0\.\d\d/g)?.map(Number) ?? [];
    expect(numbers).toHaveLength(6);
    expect((numbers[0] ?? 0) + (numbers[1] ?? 0) + (numbers[2] ?? 0)).toBeCloseTo(1, 1);
    expect(numbers.some((value) => Math.abs(value - 1 / 3) > 0.02)).toBe(true);
    await close(opened);
  });
});

describe("the parts", () => {
  test("each is reached from the top by its name, and its heading has the focus", async () => {
    const opened = await open();
    const { page } = opened;
    for (const [name, heading] of [
      ["Your own backward", "Write your own backward"],
      ["Break it", "Break it"],
      ["AdaIN", "A style is a mean and a variance"],
    ] as const) {
      await page.getByRole("navigation", { name: "Parts of this page" }).getByRole("link", { name }).click();
      await page.waitForFunction((text) => document.activeElement?.textContent === text, heading);
      // At the top of the screen, or as far up as the end of the page lets it.
      await page.waitForFunction((text) => {
        const found = [...document.querySelectorAll("h2")].find(({ textContent }) => textContent === text);
        const atEnd = scrollY + innerHeight >= document.documentElement.scrollHeight - 2;
        const top = found?.getBoundingClientRect().top ?? Infinity;
        return top >= 0 && (top < 120 || atEnd);
      }, heading);
    }
    await close(opened);
  });

  test("the first picture shows the library's numbers: three rows that add up to the fourth", async () => {
    const opened = await open();
    const rows = await opened.page.locator("figure.first tbody tr").allTextContents();
    expect(rows.map((row) => row.replace(/^[+=]/, ""))).toEqual([
      "direct0.37000",
      "via mean−0.09−0.09−0.09−0.09",
      "via variance−0.10−0.060.010.15",
      "gradInput0.18−0.16−0.080.06",
    ]);
    await close(opened);
  });
});

describe("AdaIN", () => {
  test("gives the content the means and deviations of the style; alpha 0 leaves it", async () => {
    const opened = await open();
    const { page } = opened;
    await reach(page, "A style is a mean and a variance");
    const numbers = async (title: string): Promise<string> =>
      ((await page.locator(".pictures figure", { hasText: title }).locator("figcaption").textContent()) ?? "").replace(
        title,
        "",
      );
    expect(await numbers("AdaIN")).toBe(await numbers("style"));
    await page.getByRole("slider", { name: "How much of the style" }).press("Home");
    expect(await numbers("AdaIN")).toBe(await numbers("content"));
    await close(opened);
  });
});
