/** Part 6: how small a batch may be; several seeds trained here, beside four that were trained before. */
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

const BEFORE: ReadonlyMap<string, Spread> = new Map(Object.entries(precomputed.errors));
const X = Array.from({ length: EPOCHS + 1 }, (_, epoch) => epoch);
const PERCENT = [0, 100] as const;
const NORMS = [
  ["batch", "BatchNorm", "--one"],
  ["group", "GroupNorm", "--two"],
] as const;

export function TrainingPart(): JSX.Element {
  const { batchSize } = state.value;
  const session = useMemo(createSession, []);
  useEffect(() => session.clear, [batchSize]);
  const runs = session.runs.value;
  const here = useMemo(
    () =>
      new Map(
        NORMS.map(([norm]) => [norm, spreadOf(shownRuns(runs[norm]).map((run) => run.map(({ error }) => error)))]),
      ),
    [runs],
  );
  const series: readonly Series[] = useMemo(
    () => [
      ...NORMS.map(([norm, words, colour]) =>
        line(`${words}, before`, colour, BEFORE.get(`${norm} ${batchSize}`), true),
      ),
      ...NORMS.map(([norm, words, colour]) => line(`${words}, here`, colour, here.get(norm), false)),
    ],
    [batchSize, here],
  );
  return (
    <>
      <div class="controls">
        <Select
          label="Batch size"
          value={String(batchSize)}
          options={BATCH_SIZES.map((size) => [String(size), String(size)])}
          onValue={(size) => change({ batchSize: Number(size) })}
        />
        <button type="button" class="primary" onClick={() => session.start(["batch", "group"], batchSize)}>
          Train both with {SEEDS.length} seeds
        </button>
        <button type="button" disabled={!session.isRunning.value} onClick={session.stop}>
          Stop
        </button>
        <span role="status" class="beside">
          {session.told.value ||
            "Takes some seconds, more with a smaller batch or a slower machine. The page stays usable."}
        </span>
      </div>
      <div class="bench">
        <Curve
          label={`Test error in percent over ${EPOCHS} epochs at batch size ${batchSize}, means of several seeds with their range`}
          xLabel="epochs"
          yLabel="test error, %"
          x={X}
          series={series}
          range={PERCENT}
        />
        <Ends batchSize={batchSize} here={here} />
      </div>
      <p class="note">
        Lines and numbers are means of {SEEDS.length} seeds, bands and brackets reach from the best to the worst of
        them. Those from before were trained by the same code and are part of the page; “here” are four other seeds,
        drawn as they come.
      </p>
    </>
  );
}

interface EndsProps {
  readonly batchSize: number;
  readonly here: ReadonlyMap<string, Spread>;
}

/** What is left after the last epoch. */
function Ends({ batchSize, here }: EndsProps): JSX.Element {
  const rows = [
    ...BATCH_SIZES.map((size) => ({ words: `batch ${size}`, of: size, isHere: false })),
    { words: `batch ${batchSize}, here`, of: batchSize, isHere: true },
  ];
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label="Test errors">
      <table class="statistics">
        <caption>Test error after {EPOCHS} epochs, %</caption>
        <thead>
          <tr>
            <td />
            {NORMS.map(([norm, words]) => (
              <th scope="col" key={norm}>
                {words}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map(({ words, of, isHere }) => (
            <tr key={words} class={isHere ? "here" : ""}>
              <th scope="row">{words}</th>
              {NORMS.map(([norm]) => (
                <td key={norm} data-trained={isHere ? norm : undefined}>
                  {ending(isHere ? here.get(norm) : BEFORE.get(`${norm} ${of}`))}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function line(label: string, colour: string, spread: Spread | undefined, dashed: boolean): Series {
  const upTo = (values: readonly number[] = []): readonly (number | null)[] => X.map((epoch) => values[epoch] ?? null);
  return {
    label,
    colour,
    values: upTo(spread?.mean),
    band: { low: upTo(spread?.low), high: upTo(spread?.high) },
    dashed,
  };
}

/** After the last epoch: "6.9 (5.8–8.3)". */
function ending(spread: Spread | undefined): string {
  const [mean, low, high] = [spread?.mean[EPOCHS], spread?.low[EPOCHS], spread?.high[EPOCHS]];
  if (mean === undefined || low === undefined || high === undefined) return "–";
  return `${mean.toFixed(1)} (${low.toFixed(1)}–${high.toFixed(1)})`;
}
