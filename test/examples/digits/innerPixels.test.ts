import { expect, test } from "vitest";
import { innerPixels } from "../../../examples/digits/innerPixels.ts";
import type { Images } from "../../../examples/digits/data.ts";
import { someDigits } from "./files.ts";

/** Three images whose pixels say where they stand: image · 1000 + row · 10 + column. */
function counted(side: number): Images {
  const pixels = Float64Array.from(
    { length: 3 * side ** 2 },
    (_, i) => Math.floor(i / side ** 2) * 1000 + (Math.floor(i / side) % side) * 10 + (i % side),
  );
  return { side, classes: 1, pixels, labels: new Int32Array(3) };
}

function channels(images: Images): number[][] {
  const { shape, data } = innerPixels(images);
  expect(shape).toEqual([3, 4, 2, 2]);
  return Array.from({ length: 12 }, (_, k) => Array.from(data.slice(4 * k, 4 * k + 4)));
}

test("the inner 4×4 pixels of an image, a quarter a channel", () => {
  const first = [
    [22, 23, 32, 33],
    [24, 25, 34, 35],
    [42, 43, 52, 53],
    [44, 45, 54, 55],
  ];
  const expected = [0, 1000, 2000].flatMap((image) => first.map((channel) => channel.map((pixel) => image + pixel)));
  expect(channels(counted(8))).toEqual(expected);
});

test.each([2, 4, 6])("images of side %i: every pixel is one of that image", (side) => {
  channels(counted(side)).forEach((channel, k) => {
    for (const pixel of channel) {
      expect(Math.floor(pixel / 1000)).toBe(Math.floor(k / 4));
      expect(pixel % 10).toBeLessThan(side);
      expect(Math.floor((pixel % 1000) / 10)).toBeLessThan(side);
    }
  });
});

test("pixels of the digits differ within each channel, and channels from each other", () => {
  const found = channels(someDigits(3));
  for (const channel of found) expect(new Set(channel).size).toBeGreaterThan(1);
  expect(new Set(found.map(String)).size).toBe(found.length);
});
