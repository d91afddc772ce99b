import { describe, expect, test } from "vitest";
import { normDescriptors } from "normgrad";
import { decode, encode } from "../src/address.ts";
import { presets } from "../src/presets.ts";
import { initial, withShape } from "../src/state.ts";
import { casesOf } from "../src/subject.ts";
import { close, open, valuesOf, withBrowser } from "./browser.ts";

withBrowser();

describe("address", () => {
  test("every state comes back from its address", () => {
    const states = normDescriptors.flatMap(({ name }) =>
      casesOf(name, [2, 2, 3, 1], "NHWC", 1e-3).map(({ label }) => ({
        ...withShape(initial, [2, 2, 3, 1]),
        norm: name,
        option: label,
        layout: "NHWC" as const,
        eps: 1e-3,
        constants: true,
        x: Array.from({ length: 12 }, (_, i) => (i - 5) / 3),
        gradOutput: Array.from({ length: 12 }, (_, i) => 1e-7 * i),
      })),
    );
    expect(states.length).toBeGreaterThan(100);
    for (const state of [initial, ...states]) {
      expect(decode(encode(state))).toEqual({ state, problem: null });
    }
  });

  test("parameters that were edited are in it", () => {
    const state = { ...initial, option: "numGroups 2, weight, bias", parameters: { weight: [1, 2, 3, 4.5] } };
    expect(decode(encode(state)).state).toEqual(state);
  });

  test.each([
    ["#nonsense", "no question is called so"],
    ["#v=2&norm=layerNorm", "expected version 1, got 2"],
    ["#v=1&norm=lairNorm&shape=1,1,1,1", "no norm is called “lairNorm”"],
    ["#v=1&norm=layerNorm&shape=1,4,1", "the shape is 1,4,1"],
    ["#v=1&norm=layerNorm&shape=8,8,4,4", "the shape is 8,8,4,4"],
    ["#v=1&norm=layerNorm&option=x&shape=1,4,1,1", "layerNorm has no option “x”"],
    ["#v=1&norm=groupNorm&option=numGroups+2,+no+affine&shape=1,2,1,2&x=1,2,3", "expected 4 numbers of x, got 3"],
    [
      "#v=1&norm=groupNorm&option=numGroups+2,+no+affine&shape=1,2,1,2&g=1,2,3,one",
      "g holds something that is no number",
    ],
    ["#v=1&norm=groupNorm&option=numGroups+2,+no+affine&shape=1,2,1,2&eps=-1", "eps is -1"],
    ["#v=1&norm=groupNorm&option=numGroups+2,+no+affine&shape=1,2,1,2&p.weight=1", "there is no weight"],
  ])("%s is refused in words, and the page starts as by itself", (hash, reason) => {
    const { state, problem } = decode(hash);
    expect(problem).toContain(reason);
    expect(state).toEqual(initial);
  });

  test.each([
    ["&layout=XYZ", "layout=XYZ"],
    ["&constants=banana", "constants=banana"],
    ["&colour=blue&cell=99", "colour=blue; cell=99"],
  ])("what is not understood of %s is told, and the rest is shown", (more, told) => {
    const { state, problem } = decode(`#v=1&norm=groupNorm&option=numGroups+2,+no+affine&shape=1,4,1,1${more}`);
    expect(problem).toContain(`Not understood in this address, and left out: ${told}.`);
    expect(state).toMatchObject({ shape: [1, 4, 1, 1], layout: "NCHW", constants: false });
  });

  test("what is not said has its first value", () => {
    const { state, problem } = decode("#v=1&norm=spectralNorm");
    expect([state.norm, state.option, state.shape, problem]).toEqual(["spectralNorm", "dim 0", initial.shape, null]);
  });

  test("the name of a part leads there and leaves the first example", async () => {
    expect(decode("#batch-size")).toEqual({ state: initial, problem: null });
    const opened = await open("#batch-size");
    await opened.page.waitForFunction(() => document.activeElement?.id === "batch-size");
    await close(opened);
  });

  test("a bad one is announced on the page", async () => {
    const opened = await open("#v=9");
    await opened.page.getByRole("alert").filter({ hasText: "expected version 1, got 9" }).waitFor();
    await close(opened);
  });

  test("Back undoes step by step, Forward does it again, and the address can be sent", async () => {
    const opened = await open();
    const { page } = opened;
    await page.getByRole("button", { name: "Instance", exact: true }).click();
    await page.getByRole("button", { name: "Batch", exact: true }).click();
    const [url, shown] = [page.url(), await valuesOf(page, "gradInput")];
    await page.goBack();
    await page.locator("button[aria-pressed=true]", { hasText: "Instance" }).waitFor();
    await page.goBack();
    await page.locator("button[aria-pressed=true]", { hasText: "Group" }).waitFor();
    await page.goForward();
    await page.goForward();
    expect(page.url()).toBe(url);
    const other = await open(new URL(url).hash);
    expect(await valuesOf(other.page, "gradInput")).toEqual(shown);
    await close(other);
    await close(opened);
  });
});

describe("presets", () => {
  test("each is what its address says, and has an answer of some length", () => {
    for (const { name, answer, state } of presets) {
      const decoded = decode(`#${name}`);
      expect(decoded.problem).toBeNull();
      expect(decoded.state).toMatchObject(state);
      expect(encode(decoded.state)).toBe(`#${name}`);
      // Once something is changed, the whole state is in the address, and comes back.
      const left = { ...decoded.state, question: null };
      expect(decode(encode(left))).toEqual({ state: left, problem: null });
      // An edit keeps the question open.
      const edited = { ...decoded.state, eps: 0.5 };
      expect(decode(encode(edited))).toEqual({ state: edited, problem: null });
      expect(encode(edited)).not.toBe(`#${name}`);
      expect(answer.length).toBeGreaterThan(150);
    }
  });

  test.each(presets.map(({ name, question }) => [name, question] as const))(
    "#%s is reached by its question and shows a picture",
    async (name, question) => {
      const opened = await open();
      const { page } = opened;
      await page.getByRole("link", { name: question }).click();
      const answer = page.locator(`article[data-preset="${name}"]`);
      await answer.waitFor();
      expect(new URL(page.url()).hash).toBe(`#${name}`);
      await answer.locator("table, canvas").first().waitFor();
      await page.goBack();
      await answer.waitFor({ state: "detached" });
      await close(opened);
    },
  );

  test("an edit keeps the answer open, and it can be closed", async () => {
    const opened = await open("#constants");
    const { page } = opened;
    await page.getByRole("grid", { name: "x, editable" }).locator("[data-cell='3']").click();
    await page.keyboard.type("9");
    await page.keyboard.press("Enter");
    await page.waitForFunction(() => location.hash.includes("question=constants"));
    const judge = page.getByRole("grid", { name: "finite difference, the judge" });
    await judge.waitFor();
    expect(await valuesOf(page, "all three paths")).not.toEqual(await valuesOf(page, "statistics as constants"));
    await page.getByRole("button", { name: "Close the answer" }).click();
    await judge.waitFor({ state: "detached" });
    await page.goBack();
    await judge.waitFor();
    await close(opened);
  });

  test("why-zero: with one value direct and via mean cancel", async () => {
    const opened = await open("#why-zero");
    const at = (table: string): Promise<readonly number[]> =>
      valuesOf(opened.page, `One value: direct and via mean cancel: ${table}`);
    expect((await at("direct"))[0]).toBeCloseTo(221.36, 2);
    expect((await at("via mean"))[0]).toBeCloseTo(-221.36, 2);
    expect(await at("gradInput")).toEqual([0]);
    await close(opened);
  });

  test("three-terms: the formula stands above its maps, its terms in their colours", async () => {
    const opened = await open("#three-terms");
    const { page } = opened;
    for (const path of ["direct", "mean", "variance"]) {
      const term = page.locator(`.answer .katex-html .${path}`).first();
      const chip = page.locator(`.answer .path.${path} .chip`).first();
      await term.waitFor();
      const colour = (element: Element): string => getComputedStyle(element).color;
      expect(await term.evaluate(colour), path).toBe(await chip.evaluate(colour));
    }
    await close(opened);
  });

  test("ones: sum(y) cancels in the mean, sum(y²) in the variance", async () => {
    const opened = await open("#ones");
    const { page } = opened;
    for (const scene of ["sum(y): gradOutput is 1", "sum(y²): gradOutput is 2y"]) {
      (await valuesOf(page, `${scene}: gradInput`)).forEach((value) => expect(Math.abs(value)).toBeLessThan(2e-6));
    }
    (await valuesOf(page, "sum(y): gradOutput is 1: via mean")).forEach((value) =>
      expect(value).toBeCloseTo(-0.373, 3),
    );
    await close(opened);
  });

  test("running-var: 7.1875 normalizes, 9.583333 is stored", async () => {
    const opened = await open("#running-var");
    const texts = await opened.page.locator(".answer tbody tr").allTextContents();
    expect(texts[0]).toContain("7.1875");
    expect(texts[2]).toContain("9.583333");
    await close(opened);
  });

  test("each ends with a link that leads to the part concerned", async () => {
    const opened = await open("#running-var");
    const { page } = opened;
    await page.locator(".answer").getByRole("link").click();
    await page.waitForFunction(() => document.activeElement?.id === "shared-statistics");
    await page.getByRole("columnheader", { name: "of n − 1" }).waitFor();
    await close(opened);
  });

  test("momentum: both updates stand side by side", async () => {
    const opened = await open("#momentum");
    for (const name of ["PyTorch, momentum m = 0.1: the update", "Keras, momentum m = 0.99: the update"]) {
      await opened.page.getByRole("region", { name }).locator(".katex-html").waitFor();
    }
    await close(opened);
  });

  test("batch-of-one: the refusal is the library's own", async () => {
    const opened = await open("#batch-of-one");
    expect(await opened.page.locator(".answer blockquote").textContent()).toMatch(/more than 1 value per channel/);
    await close(opened);
  });
});
