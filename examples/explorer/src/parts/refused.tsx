/** In place of tables: what the library says to an input that it does not take, and the way out. */
import type { JSX } from "preact";
import { change } from "../navigate.ts";
import { refusalOf } from "../refusal.ts";
import { state } from "../state.ts";
import { casesOf, closestCase, splitLabel } from "../subject.ts";

/** The case that normalizes by running statistics, if the norm has one. */
function evaluationOf(): string | null {
  const { norm, option, shape, layout, eps } = state.value;
  const running = casesOf(norm, shape, layout, eps).filter(({ label }) =>
    /^(evaluation|running statistics)/.test(label),
  );
  const affine = splitLabel(option)[1] ?? "no affine";
  return closestCase(running, `evaluation, ${affine}`)?.label ?? null;
}

export function Refused(): JSX.Element {
  const now = state.value;
  const evaluation = evaluationOf();
  return (
    <div class="refused">
      <p role="status">The library refuses this input, and says why:</p>
      <blockquote>{refusalOf(now)}</blockquote>
      <p>
        Several values in each set are what it takes: a larger shape
        {evaluation === null ? "." : ", or running statistics, which it normalizes by in evaluation."}
      </p>
      {evaluation !== null && (
        <div>
          <button type="button" class="primary" onClick={() => change({ option: evaluation, parameters: {} })}>
            Switch to evaluation
          </button>
        </div>
      )}
    </div>
  );
}
