/** Part 8, first half: what SwitchableNorm mixes its statistics with, as it learns. */
import { useEffect, useMemo } from "preact/hooks";
import type { JSX } from "preact";
import { change } from "../navigate.ts";
import { BATCH_SIZES, state } from "../state.ts";
import precomputed from "../training/precomputed.json";
import { createSession, SEEDS, shownRuns } from "../training/session.ts";
import { spreadOf } from "../training/spread.ts";
import type { Spread } from "../training/spread.ts";
import { EPOCHS } from "../training/train.ts";
import { Curve } from "../ui/curve.tsx";
import type { Series } from "../ui/curve.tsx";
import { Select } from "../ui/select.tsx";

const BEFORE: ReadonlyMap<string, Spread> = new Map(Object.entries(precomputed.weights));
const KINDS = [
  ["instance", "--three"],
  ["layer", "--two"],
  ["batch", "--one"],
] as const;
const MOMENTS = ["mean", "variance"] as const;
const SHARES = [0, 0.8] as const;
const X = Array.from({ length: EPOCHS + 1 }, (_, epoch) => epoch);

export function Switchable(): JSX.Element {
  const batchSize = state.value.mixBatch;
  const session = useMemo(createSession, []);
  useEffect(() => session.clear, [batchSize]);
  const all = session.runs.value.switchable;
  const runs = useMemo(() => shownRuns(all), [all]);
  const isHere = runs.length > 0;
  const series = useMemo(
    () =>
      MOMENTS.map((moment) =>
        KINDS.map(([kind, colour], k): Series => {
          const here = spreadOf(runs.map((run) => run.map(({ weights }) => weights?.[moment][k] ?? NaN)));
          const spread = isHere ? here : BEFORE.get(`${moment} ${k} ${batchSize}`);
          const upTo = (values: readonly number[] = []): readonly (number | null)[] =>
            X.map((epoch) => values[epoch] ?? null);
          return {
            label: kind,
            colour,
            values: upTo(spread?.mean),
            band: { low: upTo(spread?.low), high: upTo(spread?.high) },
            dashed: !isHere,
          };
        }),
      ),
    [runs, batchSize],
  );
  const last = (lines: readonly Series[] = []): string =>
    lines.map(({ values }) => values.findLast((value) => value !== null)?.toFixed(2) ?? "–").join(" / ");
  const epochs = runs[0]?.length ?? 0;
  return (
    <>
      <p>
        What the table shows: the larger the batch, the more the batch’s variance weighs, and the less a layer’s mean
        does. But the differences are small: even with a batch of 2 the batch’s variance weighs a little more than a
        third. The norm does not leave the batch’s statistics where they are poor; it mixes in others.
      </p>
      <Ends />
      <div class="controls">
        <Select
          label="Batch size"
          value={String(batchSize)}
          options={BATCH_SIZES.map((size) => [String(size), String(size)])}
          onValue={(size) => change({ mixBatch: Number(size) })}
        />
        <button type="button" class="primary" onClick={() => session.start(["switchable"], batchSize)}>
          Train it at batch size {batchSize}
        </button>
        <button type="button" disabled={!session.isRunning.value} onClick={session.stop}>
          Stop
        </button>
        <span role="status" class="beside">
          {session.told.value || "Dashed: four seeds that were trained before."}{" "}
          {isHere ? `${runs.length} of ${SEEDS.length} seeds, after epoch ${epochs - 1}` : `After epoch ${EPOCHS}`}:
          mean {last(series[0])}, variance {last(series[1])} (instance / layer / batch)
        </span>
      </div>
      <div class="twin">
        {MOMENTS.map((moment, i) => (
          <Curve
            key={moment}
            label={`Weights of the three ${moment}s over the epochs`}
            xLabel="epochs"
            yLabel={`weight of each ${moment}`}
            x={X}
            series={series[i] ?? []}
            range={SHARES}
          />
        ))}
      </div>
    </>
  );
}

/** The weights of the runs from before, after the last epoch. */
function Ends(): JSX.Element {
  const end = (key: string): string => BEFORE.get(key)?.mean[EPOCHS]?.toFixed(2) ?? "–";
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label="Weights by batch size">
      <table class="statistics weights">
        <caption>Weights after {EPOCHS} epochs, means of four seeds from before</caption>
        <thead>
          <tr>
            <td />
            {MOMENTS.flatMap((moment) =>
              KINDS.map(([kind]) => (
                <th scope="col" key={`${moment} ${kind}`}>
                  {kind}’s {moment}
                </th>
              )),
            )}
          </tr>
        </thead>
        <tbody>
          {BATCH_SIZES.map((size) => (
            <tr key={size}>
              <th scope="row">batch {size}</th>
              {MOMENTS.flatMap((moment) =>
                KINDS.map(([kind], k) => <td key={`${moment} ${kind}`}>{end(`${moment} ${k} ${size}`)}</td>),
              )}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
