import { createServer } from "node:http";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Page } from "playwright-core";
import { examples } from "../src/ownExamples.ts";
import { close, open, reach, withBrowser } from "./browser.ts";

withBrowser();

const verdict = (page: Page) => page.locator(".judged .verdict");
const withCode = (code: string): string =>
  `#${new URLSearchParams({ v: "1", norm: "groupNorm", option: "numGroups 2, weight, bias", shape: "2,4,2,2", code }).toString()}`;

const HEADING = "Write your own backward";
/** Code from an address runs when it is allowed to. */
const run = (page: Page): Promise<void> => page.getByRole("button", { name: "Run it" }).click();

/** First in words. */
const HEADLINES: Readonly<Record<string, string>> = {
  "mean path": "The path through the mean",
  "variance path": "The path through the variance",
  count: "A sum is divided by the wrong number",
  rstd: "1/√(variance + eps) is not that of the forward",
  parameter: "A parameter does not enter the gradient",
};

describe("a backward of one's own", () => {
  test("the first wrong term of five planted faults is named, and a right one passes", async () => {
    const opened = await open();
    const { page } = opened;
    await reach(page, HEADING);
    for (const { words, fault } of examples) {
      await page.getByRole("group", { name: "Begin with" }).getByRole("button", { name: words, exact: true }).click();
      await verdict(page).waitFor();
      const expected = fault === null ? "✓ Right" : `✗ ${HEADLINES[fault] ?? ""}`;
      expect([words, await verdict(page).textContent()]).toEqual([words, expect.stringContaining(expected)]);
      if (fault !== null) await page.getByText(`checkOp calls it “${fault}”`).waitFor();
    }
    await close(opened);
  });

  test("someone else's norm: any op is accepted, typed into the editor", async () => {
    const opened = await open();
    const { page } = opened;
    await reach(page, HEADING);
    const editor = page.getByRole("textbox", { name: "Your forward and backward" });
    await editor.fill(`({ dims: { n: [1, 5] }, inputs: ({ n }) => ({ x: [n] }), forward: ({ x }) => x.square().sum(),
      backward: (g, { x }) => ({ x: x.map((value) => 3 * g[0] * value) }) })`);
    await page.getByText("✗ A gradient is right but for one factor").waitFor();
    await editor.fill(((await editor.textContent()) ?? "").replace("3 * g", "2 * g"));
    await page.getByText("✓ Right in every case").waitFor();
    await page.reload();
    await reach(page, HEADING);
    await run(page);
    await page.getByText("✓ Right in every case").waitFor();
    await close(opened);
  });

  test.each([
    ["an endless loop is stopped", "(() => { while (true); })()", "Stopped after 8 seconds"],
    ["an exception is told", "(() => { throw new TypeError('oh'); })()", "TypeError: oh"],
    ["what is no code is told", "({ dims: ", "SyntaxError"],
    ["what is no op is told", "42", "yours: expected"],
    [
      "a backward that throws is told",
      "({ dims: { n: [1, 2] }, inputs: ({ n }) => ({ x: [n] }), forward: ({ x }) => x, backward: () => { throw new Error('mine'); } })",
      "mine",
    ],
  ])("%s, and the page lives on", async (_, code, told) => {
    const opened = await open(withCode(code));
    const { page } = opened;
    await reach(page, HEADING);
    await run(page);
    await verdict(page).filter({ hasText: told }).waitFor();
    await page.getByRole("button", { name: "Instance", exact: true }).click();
    await page.locator("button[aria-pressed=true]", { hasText: "Instance" }).waitFor();
    await close(opened);
  });

  test("what an address brings is not run before someone says so", async () => {
    const opened = await open(withCode("(() => { throw new TypeError('oh'); })()"));
    const { page } = opened;
    await reach(page, HEADING);
    await page.getByText("This address brings code of its own, which has not been run.").waitFor();
    await page.waitForTimeout(1200);
    expect(await verdict(page).count()).toBe(0);
    await run(page);
    await verdict(page).filter({ hasText: "TypeError: oh" }).waitFor();
    await close(opened);
  });

  test("a gradient that is not returned is named", async () => {
    const opened = await open();
    const { page } = opened;
    await reach(page, HEADING);
    await page.getByRole("group", { name: "Begin with" }).getByRole("button", { name: "Right", exact: true }).click();
    const right = examples.at(-1)?.code ?? "";
    const editor = page.getByRole("textbox", { name: "Your forward and backward" });
    await editor.fill(right.replace("return { x: gradX, weight: gradWeight };", "return { x: gradX };"));
    await page.getByText("✗ No gradient for weight was returned.").waitFor();
    expect(await page.locator(".judged pre").isVisible()).toBe(false);
    await page.getByText("The report of checkOp, in full").click();
    expect(await page.locator(".judged pre").isVisible()).toBe(true);
    await close(opened);
  });

  test("declarations beside the object are answered with what the editor takes", async () => {
    const opened = await open(withCode("const spec = {}; spec"));
    const { page } = opened;
    await reach(page, HEADING);
    await run(page);
    await page.getByText("The editor takes one expression").waitFor();
    await close(opened);
  });

  // localhost under another port is another origin: what arrives there has left the browser.
  const elsewhere = createServer((request, response) => {
    arrived.push(request.url ?? "");
    response.writeHead(200, { "access-control-allow-origin": "*", "content-type": "text/javascript" }).end("");
  });
  const arrived: string[] = [];
  let port = 0;
  beforeAll(async () => {
    await new Promise<void>((resolve) => elsewhere.listen(0, resolve));
    const address = elsewhere.address();
    port = address !== null && typeof address === "object" ? address.port : 0;
  });
  afterAll(() => {
    elsewhere.close();
  });

  test.each([
    ["fetch", "fetch('http://URL')"],
    ["a web socket", "new WebSocket('ws://URL')"],
    ["XMLHttpRequest", "(() => { const r = new XMLHttpRequest(); r.open('GET', 'http://URL', false); r.send(); })()"],
    ["an import", "import('http://URL')"],
    ["an event source", "new EventSource('http://URL')"],
  ])("nothing leaves the browser: %s does not arrive", async (_, call) => {
    const address = `localhost:${port}/leak.js`;
    expect((await fetch(`http://${address}`)).ok).toBe(true);
    expect(arrived.splice(0)).toEqual(["/leak.js"]);
    const code = `(() => { try { ${call.replace("URL", address)}; } catch {} throw new Error("called"); })()`;
    const { page } = await open(withCode(code));
    await reach(page, HEADING);
    await run(page);
    await verdict(page).filter({ hasText: "called" }).waitFor();
    await page.waitForTimeout(500);
    expect(arrived).toEqual([]);
    await page.context().close();
  });
});
