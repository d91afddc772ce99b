/** Part 6: how small a batch may be; trained here, beside curves of four seeds that were computed before. */
import { useEffect, useRef, useState } from "preact/hooks";
import type { JSX } from "preact";
import { change } from "../navigate.ts";
import { BATCH_SIZES, state } from "../state.ts";
import precomputed from "../training/precomputed.json";
import { EPOCHS } from "../training/train.ts";
import type { Epoch, Trained } from "../training/train.ts";
import { Curve } from "../ui/curve.tsx";
import type { Series } from "../ui/curve.tsx";
import { Select } from "../ui/select.tsx";
import TrainWorker from "../worker/train.ts?worker";
import { Switchable } from "./switchable.tsx";

interface Answer {
  readonly epoch?: Epoch;
  readonly done?: boolean;
  readonly problem?: string;
}

type Run = Readonly<Partial<Record<Trained, readonly Epoch[]>>>;

const CURVES: ReadonlyMap<string, readonly number[]> = new Map(Object.entries(precomputed));
const X = Array.from({ length: EPOCHS + 1 }, (_, epoch) => epoch);
const SEED = 5;
const PERCENT = [0, 100] as const;

export function TrainingPart(): JSX.Element {
  const { batchSize } = state.value;
  const [run, setRun] = useState<Run>({});
  const [told, setTold] = useState("");
  const workers = useRef<Worker[]>([]);
  const stop = (): void => {
    for (const worker of workers.current) worker.terminate();
    workers.current = [];
  };
  useEffect(() => stop, []);
  useEffect(() => {
    stop();
    setRun({});
    setTold("");
  }, [batchSize]);

  const start = (norms: readonly Trained[]): void => {
    stop();
    setRun((before) =>
      Object.fromEntries(Object.entries(before).filter(([norm]) => !norms.some((each) => each === norm))),
    );
    setTold("Training …");
    let left = norms.length;
    for (const norm of norms) {
      const worker = new TrainWorker();
      workers.current.push(worker);
      worker.addEventListener("message", ({ data }: MessageEvent<Answer>) => {
        const { epoch, done, problem } = data;
        if (epoch) setRun((before) => ({ ...before, [norm]: [...(before[norm] ?? []), epoch] }));
        if (problem) setTold(`The training stopped: ${problem}`);
        if (!done) return;
        worker.terminate();
        left -= 1;
        if (left === 0) setTold("Trained.");
      });
      worker.postMessage({ norm, batchSize, seed: SEED });
    }
  };

  const errors = (norm: Trained): readonly (number | null)[] => X.map((epoch) => run[norm]?.[epoch]?.error ?? null);
  const series: readonly Series[] = [
    {
      label: "BatchNorm, four seeds before",
      colour: "--mean",
      values: CURVES.get(`batch ${batchSize}`) ?? [],
      dashed: true,
    },
    {
      label: "GroupNorm, four seeds before",
      colour: "--direct",
      values: CURVES.get(`group ${batchSize}`) ?? [],
      dashed: true,
    },
    { label: "BatchNorm, here", colour: "--mean", values: errors("batch") },
    { label: "GroupNorm, here", colour: "--direct", values: errors("group") },
  ];
  return (
    <>
      <section aria-labelledby="part-6">
        <h2 id="part-6">How small may a batch be?</h2>
        <p class="lead">
          BatchNorm’s statistics are those of the batch. In a network without convolutions each of its sets has one
          value a sample: with a batch of two every x̂ is +1 or −1, whatever the image. GroupNorm does not look at the
          batch. Two hidden layers learn 400 handwritten digits, in your browser; the learning rate goes with the batch
          size.
        </p>
        <div class="controls">
          <Select
            label="Batch size"
            value={String(batchSize)}
            options={BATCH_SIZES.map((size) => [String(size), String(size)])}
            onValue={(size) => change({ batchSize: Number(size) })}
          />
          <button type="button" class="primary" onClick={() => start(["batch", "group"])}>
            Train both
          </button>
          <span role="status">{told}</span>
        </div>
        <Curve
          label={`Test error in percent over ${EPOCHS} epochs at batch size ${batchSize}`}
          xLabel="epochs"
          x={X}
          series={series}
          range={PERCENT}
        />
        <div class="scroll" tabIndex={0} role="region" aria-label="Test errors">
          <table class="statistics">
            <thead>
              <tr>
                <th scope="col">test error after {EPOCHS} epochs, %</th>
                {BATCH_SIZES.map((size) => (
                  <th scope="col" key={size}>
                    batch {size}
                  </th>
                ))}
                <th scope="col">here, batch {batchSize}</th>
              </tr>
            </thead>
            <tbody>
              {(["batch", "group"] as const).map((norm) => (
                <tr key={norm}>
                  <th scope="row">{norm === "batch" ? "BatchNorm" : "GroupNorm"}</th>
                  {BATCH_SIZES.map((size) => (
                    <td key={size}>{CURVES.get(`${norm} ${size}`)?.at(-1)?.toFixed(1)}</td>
                  ))}
                  <td data-trained={norm}>{run[norm]?.[EPOCHS]?.error.toFixed(1) ?? "–"}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
        <p class="note">
          Means of four seeds, computed before; “here” is one more seed. Written by scripts/precompute.ts.
        </p>
      </section>
      <Switchable x={X} epochs={run.switchable ?? []} batchSize={batchSize} onTrain={() => start(["switchable"])} />
    </>
  );
}
