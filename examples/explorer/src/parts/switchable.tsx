/** Part 8, first half: what SwitchableNorm mixes its statistics with, as it learns. */
import type { JSX } from "preact";
import type { Epoch } from "../training/train.ts";
import { Curve } from "../ui/curve.tsx";

interface SwitchableProps {
  readonly x: readonly number[];
  readonly epochs: readonly Epoch[];
  readonly batchSize: number;
  readonly onTrain: () => void;
}

const KINDS = [
  ["instance", "--direct"],
  ["layer", "--mean"],
  ["batch", "--variance"],
] as const;
const SHARES = [0, 0.8] as const;

export function Switchable({ x, epochs, batchSize, onTrain }: SwitchableProps): JSX.Element {
  const series = KINDS.flatMap(([kind, colour], k) => [
    { label: `mean of the ${kind}`, colour, values: x.map((epoch) => epochs[epoch]?.weights?.mean[k] ?? null) },
    {
      label: `variance of the ${kind}`,
      colour,
      values: x.map((epoch) => epochs[epoch]?.weights?.variance[k] ?? null),
      dashed: true,
    },
  ]);
  const last = epochs.at(-1)?.weights;
  return (
    <section aria-labelledby="part-8">
      <h2 id="part-8">A norm that chooses</h2>
      <p class="lead">
        SwitchableNorm mixes the statistics of an instance, a layer and a batch, a third of each at first. The weights
        are softmaxes of parameters, which learn like all others.
      </p>
      <div class="controls">
        <button type="button" class="primary" onClick={onTrain}>
          Train it at batch size {batchSize}
        </button>
        {last && (
          <span role="status">
            after epoch {epochs.length - 1}: mean {last.mean.map((value) => value.toFixed(2)).join(" / ")}, variance{" "}
            {last.variance.map((value) => value.toFixed(2)).join(" / ")}
          </span>
        )}
      </div>
      <Curve
        label="Weights of the three statistics over the epochs"
        xLabel="epochs"
        x={x}
        series={series}
        range={SHARES}
      />
    </section>
  );
}
