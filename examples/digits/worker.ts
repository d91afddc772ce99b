/** A worker thread: trains the networks that it is sent, and tells how it goes. */
import { parentPort, workerData } from "node:worker_threads";
import { setBackend } from "normgrad";
import type { Images } from "./data.ts";
import type { NormName } from "./model.ts";
import type { Settings } from "./settings.ts";
import { train } from "./train.ts";
import type { Epoch, Step, Trained } from "./train.ts";

export interface WorkerInput {
  readonly images: Images;
  readonly settings: Settings;
}

export type Message =
  | { readonly kind: "step"; readonly step: Step }
  | { readonly kind: "epoch"; readonly epoch: Epoch }
  | { readonly kind: "done"; readonly trained: Trained };

const { images, settings }: WorkerInput = workerData;
setBackend(settings.backend);
const send = (message: Message): void => parentPort?.postMessage(message);

parentPort?.on("message", (norm: NormName) => {
  const trained = train(norm, images, settings, {
    onStep: (step) => {
      if (step.step % 5 === 0 || step.step === step.steps) send({ kind: "step", step });
    },
    onEpoch: (epoch) => send({ kind: "epoch", epoch }),
  });
  send({ kind: "done", trained });
});
