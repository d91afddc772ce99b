/** A worker thread: judges the pairs that it is sent. */
import { parentPort } from "node:worker_threads";
import { judgePair, pairOf } from "./judgePair.ts";
import type { Judged, PairName } from "./judgePair.ts";

parentPort?.on("message", (pair: PairName) => {
  const judged: Judged = judgePair(pairOf(pair));
  parentPort?.postMessage(judged);
});
