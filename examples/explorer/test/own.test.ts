import { createServer } from "node:http";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Page } from "playwright-core";
import { examples } from "../src/ownExamples.ts";
import { close, open, withBrowser } from "./browser.ts";

withBrowser();

const verdict = (page: Page) => page.locator(".judged .verdict");
const withCode = (code: string): string =>
  `#${new URLSearchParams({ v: "1", norm: "groupNorm", option: "numGroups 2, weight, bias", shape: "2,4,2,2", code }).toString()}`;

async function reach(page: Page): Promise<void> {
  const found = page.getByRole("heading", { name: "Write your own backward" });
  for (let i = 0; i < 60 && (await found.count()) === 0; i++) {
    await page.mouse.wheel(0, 500);
    await page.waitForTimeout(60);
  }
  await found.scrollIntoViewIfNeeded();
}

describe("a backward of one's own", () => {
  test("the first wrong term of five planted faults is named, and a right one passes", async () => {
    const opened = await open();
    const { page } = opened;
    await reach(page);
    for (const { words, fault } of examples) {
      await page.getByRole("group", { name: "Begin with" }).getByRole("button", { name: words, exact: true }).click();
      await verdict(page).waitFor();
      const expected = fault === null ? "✓ Right" : `✗ ${fault}:`;
      expect([words, await verdict(page).textContent()]).toEqual([words, expect.stringContaining(expected)]);
    }
    await close(opened);
  });

  test("someone else's norm: any op is accepted, typed into the editor", async () => {
    const opened = await open();
    const { page } = opened;
    await reach(page);
    const editor = page.getByRole("textbox", { name: "Your forward and backward" });
    await editor.fill(`({ dims: { n: [1, 5] }, inputs: ({ n }) => ({ x: [n] }), forward: ({ x }) => x.square().sum(),
      backward: (g, { x }) => ({ x: x.map((value) => 3 * g[0] * value) }) })`);
    await page.getByText("✗ factor").waitFor();
    await editor.fill(((await editor.textContent()) ?? "").replace("3 * g", "2 * g"));
    await page.getByText("✓ Right in every case").waitFor();
    await page.reload();
    await reach(page);
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
    await reach(page);
    await verdict(page).filter({ hasText: told }).waitFor();
    await page.getByRole("button", { name: "Instance", exact: true }).click();
    await page.locator("button[aria-pressed=true]", { hasText: "Instance" }).waitFor();
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
    await reach(page);
    await verdict(page).filter({ hasText: "called" }).waitFor();
    await page.waitForTimeout(500);
    expect(arrived).toEqual([]);
    await page.context().close();
  });
});
