/** Small pictures in three colours, each of a formula: [1, 3, 24, 24], from 0 to 1. */
import { tensor } from "normgrad";
import type { Tensor } from "normgrad";

const SIDE = 24;

/** Hills under a blue sky with a sun; each phase has other hills. */
export function hills(phase: number): Tensor {
  return paint((x, y) => {
    const sun = Math.exp(-60 * ((x - 0.7) ** 2 + (y - 0.25) ** 2));
    const hill = y > 0.62 + 0.12 * Math.sin(5 * x + phase) + 0.05 * Math.sin(13 * x + 2 * phase);
    return hill ? [0.2 + 0.25 * y, 0.65 - 0.2 * y, 0.18] : [0.45 + 0.5 * sun, 0.66 + 0.3 * sun, 0.92 - 0.15 * y];
  });
}

/** Bands of an evening, red and violet. */
export function dusk(): Tensor {
  return paint((x, y) => [0.35 + 0.6 * wave(x, y), 0.12 + 0.38 * wave(x, y) * y, 0.55 - 0.25 * wave(x, y)]);
}

/** Water, green and blue. */
export function lagoon(): Tensor {
  return paint((x, y) => [0.1 + 0.1 * wave(y, x), 0.35 + 0.3 * wave(y, x), 0.5 + 0.1 * wave(x, y)]);
}

type Colour = readonly [red: number, green: number, blue: number];

function paint(colour: (x: number, y: number) => Colour): Tensor {
  const colours = Array.from({ length: SIDE ** 2 }, (_, i) => colour((i % SIDE) / SIDE, Math.floor(i / SIDE) / SIDE));
  return tensor(colours).transpose(0, 1).reshape([1, 3, SIDE, SIDE]);
}

function wave(x: number, y: number): number {
  return 0.5 + 0.5 * Math.sin(9 * y + 2 * Math.sin(4 * x));
}
