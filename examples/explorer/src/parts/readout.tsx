/** The marked cell as a line of numbers: three terms, their sum, and the finite difference. */
import type { JSX } from "preact";
import { differenceNow } from "../difference.ts";
import { pathsOf } from "../formulas.ts";
import { looked } from "../looked.ts";
import { lettersOf, maps, shownGradient } from "../model.ts";
import { state } from "../state.ts";
import { cellName } from "../ui/cells.tsx";
import { exact, tiny } from "../ui/numbers.ts";

export function Readout(): JSX.Element {
  const { norm, option, shape, x, constants } = state.value;
  const cell = Math.min(looked.value, x.length - 1);
  const found = maps.value;
  const judge = differenceNow();
  const difference = judge?.unsure === null ? judge.values?.[cell] : undefined;
  const at = (values: readonly number[] | undefined): number => values?.[cell] ?? NaN;
  const shown = at(shownGradient.value);
  const { hasMean, hasVariance } = pathsOf(norm, option);
  return (
    <p class="readout">
      <span class="where">{cellName(cell, shape)}</span> <span class="direct">{exact(at(found?.direct))}</span>
      {hasMean && <Term path="mean" value={at(found?.viaMean)} isLost={constants} />}
      {hasVariance && <Term path="variance" value={at(found?.viaVariance)} isLost={constants} />}
      {" = "}
      <strong>{exact(shown)}</strong>
      <Inside cell={cell} />
      {difference !== undefined && (
        <span class="note">
          {" "}
          finite difference {exact(difference)}, error {tiny(Math.abs(difference - shown))}
        </span>
      )}
    </p>
  );
}

/** The letters of the formula, for this cell and its set. */
function Inside({ cell }: { readonly cell: number }): JSX.Element | null {
  const letters = lettersOf(cell);
  if (!letters) return null;
  const { r, ghat, meanGhat, xhat, meanGhatXhat } = letters;
  const short = (value: number): string => exact(Number(value.toPrecision(4)));
  return (
    <span class="note inside">
      r = {short(r)}, <span class="direct">ĝ = {short(ghat)}</span>, <span class="mean">⟨ĝ⟩ = {short(meanGhat)}</span>,
      x̂ = {short(xhat)}, <span class="variance">⟨ĝ x̂⟩ = {short(meanGhatXhat)}</span>
    </span>
  );
}

interface TermProps {
  readonly path: "mean" | "variance";
  readonly value: number;
  /** Taken for a constant: struck out, and not in the sum. */
  readonly isLost: boolean;
}

function Term({ path, value, isLost }: TermProps): JSX.Element {
  const words = ` + (${exact(value)})`;
  return isLost ? <del class={path}>{words}</del> : <span class={path}>{words}</span>;
}
