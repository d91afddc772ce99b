import axe from "axe-core";
import type { BrowserContextOptions, Page } from "playwright-core";
import { describe, expect, test } from "vitest";
import { presets } from "../src/presets.ts";
import { close, open, reachAll, withBrowser } from "./browser.ts";

withBrowser();

const phone: BrowserContextOptions = { viewport: { width: 360, height: 780 } };
const dark: BrowserContextOptions = { colorScheme: "dark" };

/** What axe finds, by rule, with the elements. */
async function violations(page: Page): Promise<readonly unknown[]> {
  await page.evaluate(axe.source);
  const found: unknown =
    await page.evaluate(`axe.run(document, { resultTypes: ["violations"] }).then(({ violations }) =>
    violations.map(({ id, nodes }) => [id, nodes.slice(0, 3).map(({ html, any }) => html.slice(0, 160) + " " + (any[0]?.message ?? ""))]))`);
  return Array.isArray(found) ? found : [found];
}

describe("accessibility", () => {
  test.each([
    ["light", {}],
    ["dark", dark],
    ["at 360 px", phone],
  ] as const)("axe finds nothing, %s", async (_, options) => {
    const opened = await open("", options);
    const { page } = opened;
    await reachAll(page);
    await page.locator(".judged .verdict").waitFor();
    expect(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth)).toBe(true);
    expect(await violations(page)).toEqual([]);
    await close(opened);
  });

  test.each(presets.map(({ name }) => [name]))("axe finds nothing in the answer of %s", async (name) => {
    const opened = await open(`#${name}`, dark);
    await opened.page.locator(".answer").locator("table, canvas").first().waitFor();
    expect(await violations(opened.page)).toEqual([]);
    await close(opened);
  });

  test("headings go down by one step at most", async () => {
    const opened = await open("#why-zero");
    const levels = await opened.page
      .locator("h1, h2, h3, h4, h5")
      .evaluateAll((all) => all.map(({ tagName }) => Number(tagName.slice(1))));
    levels.forEach((level, i) => expect(level - (levels[i - 1] ?? 0)).toBeLessThanOrEqual(1));
    expect(levels.filter((level) => level === 1)).toEqual([1]);
    await close(opened);
  });

  test("nothing moves by itself where reduced motion is asked for", async () => {
    const opened = await open("", { reducedMotion: "reduce" });
    const moving = await opened.page
      .locator("*")
      .evaluateAll(
        (all) =>
          all.filter((element) =>
            /[1-9]/.test(getComputedStyle(element).transitionDuration + getComputedStyle(element).animationDuration),
          ).length,
      );
    expect(moving).toBe(0);
    await close(opened);
  });
});

describe("the page", () => {
  test.each(presets.map(({ name }) => [`#${name}`]).concat([[""]]))("fits into 360 px: %s", async (hash) => {
    const opened = await open(hash, phone);
    await opened.page.waitForTimeout(150);
    expect(await opened.page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
    await close(opened);
  });

  test("is dark where that is asked for", async () => {
    const opened = await open("", dark);
    const ground = await opened.page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
    expect(ground).toBe("rgb(20, 22, 26)");
    await close(opened);
  });
});
