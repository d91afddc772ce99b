import { BatchNorm2d, explainBackward, tensor } from "normgrad";
import type { Page } from "playwright-core";
import { describe, expect, test } from "vitest";
import { defaultGradOutput, defaultX } from "../src/state.ts";
import { close, open, reachAll, valuesOf, withBrowser } from "./browser.ts";

withBrowser();

describe("what the library refuses", () => {
  const grids = (page: Page): Promise<number> => page.getByRole("grid").count();

  test("one value a channel in training is refused in its own words, and the option stays", async () => {
    const opened = await open();
    const { page } = opened;
    await page.getByRole("button", { name: "Batch", exact: true }).click();
    for (const dim of ["N", "H", "W"]) await page.getByLabel(dim, { exact: true }).selectOption("1");
    expect(await page.getByLabel("Options").inputValue()).toBe("training, weight, bias");
    await page
      .locator("section[aria-labelledby=shared-statistics] blockquote", {
        hasText: "batchNorm: expected more than 1 value per channel",
      })
      .waitFor();
    expect(await grids(page)).toBe(0);
    const sent = await open(new URL(page.url()).hash);
    expect(await sent.page.getByRole("alert").count()).toBe(0);
    expect(await grids(sent.page)).toBe(0);
    await close(sent);
    await page.getByRole("button", { name: "Switch to evaluation" }).first().click();
    expect(await page.getByLabel("Options").inputValue()).toBe("evaluation, weight, bias");
    expect(await grids(page)).toBeGreaterThan(5);
    await close(opened);
  });

  test.each([
    ["groupNorm", "numGroups 1, no affine", "groupNorm: expected more than 1 value per group"],
    ["instanceNorm", "input statistics, no affine", "instanceNorm: expected more than 1 position per channel"],
    ["batchRenorm", "training, paper, rMax 1, dMax 0, no affine", "batchRenorm: expected more than 1 value"],
    ["switchableNorm", "training, IN, LN, BN, biased, no affine", "switchableNorm: expected more than 1 value"],
    ["conditionalInstanceNorm", "labels [2], weight", "conditionalInstanceNorm: "],
  ])("%s refuses a single value; every part of the page says so and stays", async (norm, option, told) => {
    const opened = await open(`#${new URLSearchParams({ v: "1", norm, option, shape: "1,1,1,1" }).toString()}`);
    const { page } = opened;
    await page.locator("blockquote", { hasText: told }).first().waitFor();
    await reachAll(page);
    expect(await page.locator("main > section").count()).toBe(9);
    await close(opened);
  });
});

describe("evaluation", () => {
  test("shows the running statistics without colours, and follows them when they are edited", async () => {
    const opened = await open();
    const { page } = opened;
    await page.getByRole("button", { name: "Batch", exact: true }).click();
    await page.getByLabel("Options").selectOption("evaluation, no affine");
    expect(await page.getByText("each of them moves the output").count()).toBe(0);
    expect(await page.getByText("the marked set has mean").count()).toBe(0);
    await page.getByText("nothing: the running mean is a constant").waitFor();
    const colours = await page
      .getByRole("grid", { name: "x, editable" })
      .locator("td[data-cell]")
      .evaluateAll((all) => [...new Set(all.map((cell) => getComputedStyle(cell).backgroundColor))]);
    expect(colours).toHaveLength(1);
    await page.getByRole("grid", { name: "runningMean, editable" }).locator("[data-cell='1']").click();
    await page.keyboard.type("2.5");
    await page.keyboard.press("Enter");
    const [mean, variance] = [
      await valuesOf(page, "runningMean, editable"),
      await valuesOf(page, "runningVar, editable"),
    ];
    expect(mean[1]).toBe(2.5);
    const norm = new BatchNorm2d(4, { affine: false });
    if (norm.runningMean) norm.runningMean.value = tensor([...mean]).value;
    if (norm.runningVar) norm.runningVar.value = tensor([...variance]).value;
    norm.eval();
    const x = tensor([...defaultX([2, 4, 2, 2])]).reshape([2, 4, 2, 2]);
    const g = tensor([...defaultGradOutput([2, 4, 2, 2])]).reshape([2, 4, 2, 2]);
    expect(await valuesOf(page, "y, the output")).toEqual([...norm.forward(x).data].map((value) => value + 0));
    expect(await valuesOf(page, "gradInput")).toEqual(
      [...explainBackward(norm, x, g).gradInput.data].map((value) => value + 0),
    );
    await page.getByText("✓ agrees with gradInput").waitFor();
    await page.waitForFunction(() => location.hash.includes("-2,2.5,"));
    const again = await open(new URL(page.url()).hash);
    expect(await valuesOf(again.page, "runningMean, editable")).toEqual(mean);
    await close(again);
    await page.getByRole("grid", { name: "runningVar, editable" }).locator("[data-cell='0']").click();
    await page.keyboard.type("-1");
    await page.keyboard.press("Enter");
    expect(await valuesOf(page, "runningVar, editable")).toEqual(variance);
    await close(opened);
  });
});

describe("the finite difference", () => {
  test.each([
    ["a value that is far from the others", "groupNorm", "numGroups 2, no affine", "123456789.123456", "✓ agrees"],
    ["1e16", "groupNorm", "numGroups 2, no affine", "1e16", "✓ agrees"],
    [
      "a square that is no double",
      "groupNorm",
      "numGroups 2, no affine",
      "1e308",
      "○ not comparable here, because the square",
    ],
    ["a kink at 0", "normalize", "dim 1, p 1", "0", "○ not comparable here, because the function has a kink"],
  ])("no false alarm of the difference: %s", async (_, norm, option, value, told) => {
    const opened = await open(`#v=1&norm=${norm}&option=${option.replaceAll(" ", "+")}&shape=2,4,2,2`);
    const { page } = opened;
    await page.getByRole("grid", { name: "x, editable" }).locator("[data-cell='0']").click();
    await page.keyboard.type(value);
    await page.keyboard.press("Enter");
    await page.locator(".judge .verdict", { hasText: told }).waitFor();
    await close(opened);
  });

  test("no false alarm of the difference: equal largest values, equal values, and the norms that say so", async () => {
    for (const [fields, told] of [
      ["norm=normalize&option=dim+1,+p+Infinity&shape=1,4,1,1&x=1,8,8,2", "○ not comparable here"],
      ["norm=layerNorm&option=normalizedShape+[4],+no+affine&layout=NHWC&shape=1,4,1,1&x=3,3,3,3", "verdict"],
    ] as const) {
      const opened = await open(`#v=1&${fields}`);
      const judge = opened.page.locator(".judge .verdict");
      await judge.waitFor();
      if (told === "verdict") expect(await judge.textContent()).not.toContain("✗");
      else expect(await judge.textContent()).toContain(told);
      await close(opened);
    }
  });
});
