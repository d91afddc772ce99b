/** The judge beside the maps: a finite difference, which only runs the forward. */
import type { ComponentChildren, JSX } from "preact";
import { AGREES, sizesOf } from "../agreement.ts";
import { differenceNow } from "../difference.ts";
import { maps, partition, sharing, shownGradient } from "../model.ts";
import { state } from "../state.ts";
import { Cells } from "../ui/cells.tsx";
import { signColour } from "../ui/colours.ts";
import { largest, tiny } from "../ui/numbers.ts";

export function Differences(): JSX.Element {
  const { shape } = state.value;
  const found = differenceNow();
  const values = found?.values;
  const shown = shownGradient.value;
  if (!values) {
    const reason =
      found?.problem ??
      "The definition of this norm holds something constant, so that a difference is not its gradient.";
    return <Judge note={found ? reason : "…"} />;
  }
  const most = largest(values, shown);
  const errors = values.map((value, cell) => Math.abs(value - (shown[cell] ?? 0)));
  const sizes = maps.value ? sizesOf(maps.value, partition.value) : [];
  const agrees = errors.every((error, cell) => error <= AGREES * (sizes[cell] ?? 0));
  return (
    <Judge note="only runs the forward">
      <Cells
        label="finite difference"
        shape={shape}
        values={values}
        sets={sharing.value}
        colour={(cell) => signColour(values[cell] ?? 0, most)}
      />
      {found.unsure === null ? (
        <p class={agrees ? "verdict right" : "verdict wrong"} role="status" data-error={largest(errors)}>
          {agrees ? "✓ agrees with gradInput" : "✗ disagrees with gradInput"}: largest error {tiny(largest(errors))}
        </p>
      ) : (
        <p class="verdict" role="status">
          ○ not comparable here, because {found.unsure}
        </p>
      )}
    </Judge>
  );
}

function Judge({ note, children }: { readonly note: string; readonly children?: ComponentChildren }): JSX.Element {
  return (
    <figure class="panel path judge">
      <figcaption>
        <span class="operator" aria-hidden="true">
          ≈
        </span>
        <span class="chip">finite difference</span>
        <span class="note">{note}</span>
      </figcaption>
      {children}
    </figure>
  );
}
