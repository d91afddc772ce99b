/** Part 8, first half: what SwitchableNorm mixes its statistics with, as it learns. */
import { useEffect, useMemo } from "preact/hooks";
import type { JSX } from "preact";
import precomputed from "../training/precomputed.json";
import { createSession, SEEDS, shownRuns } from "../training/session.ts";
import { spreadOf } from "../training/spread.ts";
import type { Spread } from "../training/spread.ts";
import { EPOCHS } from "../training/train.ts";
import { Curve } from "../ui/curve.tsx";
import type { Series } from "../ui/curve.tsx";

interface SwitchableProps {
  readonly x: readonly number[];
  readonly batchSize: number;
}

const BEFORE: ReadonlyMap<string, Spread> = new Map(Object.entries(precomputed.weights));
const KINDS = [
  ["instance", "--three"],
  ["layer", "--two"],
  ["batch", "--one"],
] as const;
const MOMENTS = ["mean", "variance"] as const;
const SHARES = [0, 0.8] as const;

export function Switchable({ x, batchSize }: SwitchableProps): JSX.Element {
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
            x.map((epoch) => values[epoch] ?? null);
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
    <section aria-labelledby="part-8">
      <h2 id="part-8">A norm that chooses</h2>
      <p class="lead">
        SwitchableNorm mixes the statistics of an instance, a layer and a batch, a third of each at first. The weights
        are softmaxes of parameters, which learn like all others. In the runs from before: the smaller the batch, the
        less its variance weighs.
      </p>
      <div class="controls">
        <button type="button" class="primary" onClick={() => session.start(["switchable"], batchSize)}>
          Train it at batch size {batchSize}
        </button>
        <button type="button" disabled={!session.isRunning.value} onClick={session.stop}>
          Stop
        </button>
        <span role="status" class="beside">
          {session.told.value || "Dashed: four seeds that were trained before."}{" "}
          {isHere ? `${runs.length} of ${SEEDS.length} seeds, after epoch ${epochs - 1}` : `After epoch ${EPOCHS}`}:
          mean {last(series[0])}, variance {last(series[1])}
        </span>
      </div>
      <div class="twin">
        {MOMENTS.map((moment, i) => (
          <Curve
            key={moment}
            label={`Weights of the three ${moment}s over the epochs`}
            xLabel="epochs"
            yLabel={`weight of each ${moment}`}
            x={x}
            series={series[i] ?? []}
            range={SHARES}
          />
        ))}
      </div>
    </section>
  );
}
