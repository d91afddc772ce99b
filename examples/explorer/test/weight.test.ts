import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { close, open, withBrowser } from "./browser.ts";

withBrowser();

test("the first load is at most 250 kB gzipped, and the page can be used within a second", async () => {
  const opened = await open();
  const { page } = opened;
  const sizes = new Map<string, number>();
  page.on("response", async (response) => {
    const body = await response.body().catch(() => Buffer.alloc(0));
    const compressed = response.url().endsWith(".woff2") ? body.length : gzipSync(body).length;
    sizes.set(response.url(), compressed);
  });
  const session = await page.context().newCDPSession(page);
  await session.send("Network.setCacheDisabled", { cacheDisabled: true });
  await page.reload();
  await page.getByRole("grid", { name: "gradInput" }).waitFor();
  const ready = await page.evaluate(() => performance.now());
  await page.getByText("agrees with gradInput").waitFor();
  const total = [...sizes.values()].reduce((sum, size) => sum + size, 0);
  console.log(`${sizes.size} files, ${Math.round(total / 1000)} kB gzipped, usable after ${Math.round(ready)} ms`);
  expect(total).toBeLessThan(250_000);
  expect(ready).toBeLessThan(1000);
  await close(opened);
});
