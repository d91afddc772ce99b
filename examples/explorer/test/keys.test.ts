import { describe, expect, test } from "vitest";
import { PARTS } from "../src/partNames.ts";
import { close, open, valuesOf, withBrowser } from "./browser.ts";

withBrowser();

describe("keys", () => {
  test("everything is reached by keys alone: a cell is found, edited, stepped and taken back", async () => {
    const opened = await open();
    const { page } = opened;
    const inX = (): Promise<boolean> =>
      page.evaluate(() => document.activeElement?.closest("table")?.getAttribute("aria-label") === "x, editable");
    for (let i = 0; i < 90 && !(await inX()); i++) await page.keyboard.press("Tab");
    expect(await inX()).toBe(true);
    const before = await valuesOf(page, "x, editable");
    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("ArrowDown");
    // n0 h1, c0 w1 is the fourth cell.
    await page.keyboard.type("-2.5");
    expect((await valuesOf(page, "via mean")).length).toBe(32);
    await page.keyboard.press("Enter");
    expect((await valuesOf(page, "x, editable"))[3]).toBe(-2.5);
    await page.keyboard.press("Enter");
    await page.keyboard.press("ArrowUp");
    await page.keyboard.press("ArrowUp");
    await page.keyboard.press("Enter");
    expect((await valuesOf(page, "x, editable"))[3]).toBe(-2.3);
    await page.keyboard.press("7");
    await page.keyboard.press("Escape");
    expect((await valuesOf(page, "x, editable"))[3]).toBe(-2.3);
    expect(await valuesOf(page, "x, editable")).toEqual(before.with(3, -2.3));
    expect(await inX()).toBe(true);
    await close(opened);
  });

  test("what is no number is announced, and the cell keeps its value", async () => {
    const opened = await open();
    const { page } = opened;
    const before = await valuesOf(page, "x, editable");
    await page.getByRole("grid", { name: "x, editable" }).locator("[data-cell='1']").click();
    await page.keyboard.type("ten");
    await page.keyboard.press("Enter");
    await page.getByRole("alert").filter({ hasText: "“ten” is no number" }).waitFor();
    expect(await valuesOf(page, "x, editable")).toEqual(before);
    await close(opened);
  });

  test.each([
    ["1e400", "“1e400” is too large for a double."],
    ["1/3", "“1/3” is no number."],
    ["1", null],
  ])("%s leaves nothing behind of an entry that is none", async (typed, told) => {
    const opened = await open();
    const { page } = opened;
    const before = await valuesOf(page, "x, editable");
    await page.getByRole("grid", { name: "x, editable" }).locator("[data-cell='1']").click();
    await page.keyboard.type(typed);
    await page.keyboard.press("Enter");
    if (told !== null) await page.getByRole("alert").filter({ hasText: told }).waitFor();
    expect(await valuesOf(page, "x, editable")).toEqual(told === null ? before.with(1, 1) : before);
    await close(opened);
  });

  test("an empty entry has its own words, and Delete makes a cell 0", async () => {
    const opened = await open();
    const { page } = opened;
    const before = await valuesOf(page, "x, editable");
    await page.getByRole("grid", { name: "x, editable" }).locator("[data-cell='2']").click();
    await page.keyboard.press("Delete");
    await page.keyboard.press("Enter");
    await page.getByRole("alert").filter({ hasText: "The entry was empty. The cell keeps" }).waitFor();
    expect(await valuesOf(page, "x, editable")).toEqual(before);
    await page.keyboard.press("Delete");
    expect(await valuesOf(page, "x, editable")).toEqual(before.with(2, 0));
    await close(opened);
  });

  test("Tab passes through all parts, each with its words from the start", async () => {
    const opened = await open();
    const { page } = opened;
    const headings = await page.locator("h2").allTextContents();
    expect(headings).toContain("A style is a mean and a variance");
    expect(await page.getByText("No pixel moves, but the colours do.").count()).toBe(1);
    const passed = new Set<string>();
    for (let i = 0; i < 160 && !passed.has("adain"); i++) {
      await page.keyboard.press("Tab");
      const part = await page.evaluate(() =>
        document.activeElement?.closest("section")?.getAttribute("aria-labelledby"),
      );
      if (part) passed.add(part);
    }
    const parts = PARTS.map(([name]) => name);
    expect(parts.filter((name) => !passed.has(name))).toEqual([]);
    await close(opened);
  });

  test("what is printed has all parts", async () => {
    const opened = await open();
    const { page } = opened;
    await page.evaluate(() => dispatchEvent(new Event("beforeprint")));
    await page.waitForFunction(() => document.querySelector(".later") === null);
    await page.getByRole("textbox", { name: "Your forward and backward" }).waitFor({ state: "attached" });
    await close(opened);
  });

  test("the answer that is closed leaves the focus at its question", async () => {
    const opened = await open("#ones");
    const { page } = opened;
    await page.getByRole("button", { name: "Close the answer" }).press("Enter");
    expect(await page.evaluate(() => document.activeElement?.getAttribute("href"))).toBe("#ones");
    await close(opened);
  });
});
