/** The built page on a web server under a path of its own, and a browser that keeps what it complains about. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { readFile } from "node:fs/promises";
import { extname } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { afterAll, beforeAll, expect } from "vitest";

const dist = fileURLToPath(new URL("../dist/", import.meta.url));
const PATH = "/under/some/path/";
const TYPES: Readonly<Record<string, string>> = {
  ".css": "text/css",
  ".html": "text/html",
  ".js": "text/javascript",
  ".woff2": "font/woff2",
};

export interface Opened {
  readonly page: Page;
  /** Errors of the console and of scripts, and requests to another host. */
  readonly complaints: string[];
}

let browser: Browser;
let base = "";

/** Registers the server and the browser with the tests of a file. */
export function withBrowser(): void {
  const server = createServer(async ({ url = "" }, response) => {
    const name = new URL(url, "http://localhost").pathname.slice(PATH.length) || "index.html";
    try {
      const body = await readFile(dist + name);
      response.writeHead(200, { "content-type": TYPES[extname(name)] ?? "application/octet-stream" }).end(body);
    } catch {
      response.writeHead(404).end();
    }
  });
  beforeAll(async () => {
    await new Promise<void>((resolve) => server.listen(0, resolve));
    base = `http://localhost:${portOf(server.address())}${PATH}`;
    const executablePath = process.env["CHROMIUM"] ?? "/usr/bin/chromium";
    browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
  });
  afterAll(async () => {
    await browser?.close();
    server.close();
  });
}

function portOf(address: string | AddressInfo | null): number {
  if (address === null || typeof address === "string") throw new Error("expected a port");
  return address.port;
}

export async function open(hash = "", options: BrowserContextOptions = {}): Promise<Opened> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("request", (request) => {
    const { protocol, host } = new URL(request.url());
    if (protocol.startsWith("http") && host !== new URL(base).host) complaints.push(`request to ${request.url()}`);
  });
  await page.goto(base + hash);
  await page.getByRole("heading", { level: 1 }).waitFor();
  return { page, complaints };
}

/** Closes the page, which must not have complained. */
export async function close({ page, complaints }: Opened): Promise<void> {
  await page.context().close();
  expect(complaints).toEqual([]);
}

/** The exact values of a table, from the names that its cells have for a screen reader. */
export async function valuesOf(page: Page, table: string): Promise<readonly number[]> {
  const cells = page.getByRole("grid", { name: table, exact: true }).locator("td[data-cell]");
  const read = await cells.evaluateAll((all) =>
    all.map((cell) => [Number(cell.getAttribute("data-cell")), cell.getAttribute("title") ?? ""] as const),
  );
  return read.toSorted(([a], [b]) => a - b).map(([, title]) => Number(title.split(": ")[1]));
}

export async function textsOf(page: Page, table: string): Promise<readonly string[]> {
  const cells = page.getByRole("grid", { name: table, exact: true }).locator("td[data-cell]");
  const read = await cells.evaluateAll((all) =>
    all.map((cell) => [Number(cell.getAttribute("data-cell")), cell.textContent ?? ""] as const),
  );
  return read.toSorted(([a], [b]) => a - b).map(([, text]) => text);
}

/** Scrolls to a part and waits until what is heavy in it is there. */
export async function reach(page: Page, heading: string): Promise<void> {
  const section = page.locator("section").filter({ has: page.getByRole("heading", { level: 2, name: heading }) });
  await section.getByRole("heading", { level: 2 }).evaluate((element) => element.scrollIntoView({ block: "start" }));
  await section.locator(".later").waitFor({ state: "detached" });
}

/** Scrolls through the whole page, so that every part is loaded. */
export async function reachAll(page: Page): Promise<void> {
  for (let i = 0; i < 100; i++) {
    const isLeft = await page.evaluate(() => {
      const next = document.querySelector(".later");
      next?.scrollIntoView({ block: "center" });
      return next !== null;
    });
    if (!isLeft) return;
    await page.waitForTimeout(100);
  }
  expect(await page.locator(".later").count()).toBe(0);
}
