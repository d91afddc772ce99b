import { grad, normDescriptors, tensor } from "normgrad";
import { describe, expect, test } from "vitest";
import type { Page } from "playwright-core";
import { faultOfRound, faults, visibleFaults } from "../src/faults.ts";
import { mapsOf, statistics, subjectOf } from "../src/model.ts";
import { initial, state } from "../src/state.ts";
import { casesOf } from "../src/subject.ts";
import { tapeOfState } from "../src/tape.ts";
import { close, open, valuesOf, withBrowser } from "./browser.ts";

withBrowser();

const reach = async (page: Page, heading: string): Promise<void> => {
  const found = page.getByRole("heading", { name: heading });
  for (let i = 0; i < 60 && (await found.count()) === 0; i++) {
    await page.mouse.wheel(0, 500);
    await page.waitForTimeout(60);
  }
  await found.scrollIntoViewIfNeeded();
};

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
    const line = page.locator("section[aria-labelledby=part-5] pre");
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
  test("at batch size 2 BatchNorm does not learn and GroupNorm does; the page stays quick", async () => {
    const opened = await open("#v=1&norm=groupNorm&option=numGroups+2,+weight,+bias&shape=2,4,2,2&batch=2");
    const { page } = opened;
    await reach(page, "How small may a batch be?");
    await page.getByRole("button", { name: "Train both" }).click();
    // While it trains the page answers.
    await page.getByRole("button", { name: "Instance", exact: true }).click();
    await page.getByText("Trained.").waitFor({ timeout: 50_000 });
    const at = async (norm: string): Promise<number> =>
      Number(await page.locator(`[data-trained=${norm}]`).textContent());
    expect(await at("batch")).toBeGreaterThan(30);
    expect(await at("group")).toBeLessThan(25);
    await close(opened);
  });

  test("SwitchableNorm's weights move away from a third each, and stay a mixture", async () => {
    const opened = await open("#v=1&norm=groupNorm&option=numGroups+2,+weight,+bias&shape=2,4,2,2&batch=32");
    const { page } = opened;
    await reach(page, "A norm that chooses");
    await page.getByRole("button", { name: "Train it at batch size 32" }).click();
    const words = page.getByText(/after epoch 8: mean/);
    await words.waitFor({ timeout: 50_000 });
    const numbers = ((await words.textContent()) ?? "").match(/\d\.\d\d/g)?.map(Number) ?? [];
    expect(numbers).toHaveLength(6);
    expect((numbers[0] ?? 0) + (numbers[1] ?? 0) + (numbers[2] ?? 0)).toBeCloseTo(1, 1);
    expect(numbers.some((value) => Math.abs(value - 1 / 3) > 0.02)).toBe(true);
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
