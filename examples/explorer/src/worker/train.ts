/** Trains where the page does not wait for it, one seed after the other. */
import digits from "virtual:digits";
import { train } from "../training/train.ts";
import type { Training } from "../training/train.ts";

interface Order extends Omit<Training, "seed"> {
  readonly seeds: readonly number[];
}

onmessage = ({ data: { seeds, ...training } }: MessageEvent<Order>) => {
  try {
    seeds.forEach((seed, run) => train(digits, { ...training, seed }, (epoch) => postMessage({ run, epoch })));
    postMessage({ done: true });
  } catch (error) {
    postMessage({ problem: error instanceof Error ? error.message : String(error) });
  }
};
