/** Trains where the page does not wait for it. */
import digits from "virtual:digits";
import { train } from "../training/train.ts";
import type { Training } from "../training/train.ts";

onmessage = ({ data }: MessageEvent<Training>) => {
  try {
    train(digits, data, (epoch) => postMessage({ epoch }));
    postMessage({ done: true });
  } catch (error) {
    postMessage({ problem: error instanceof Error ? error.message : String(error) });
  }
};
