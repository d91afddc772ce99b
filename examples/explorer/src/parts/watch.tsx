/** Part 2: edit a cell, and watch what flows back on each path. */
import type { ComponentChildren, JSX } from "preact";
import { differenceNow } from "../difference.ts";
import { formulasOf } from "../formulas.ts";
import { forward, maps, partition, shownGradient, statistics, subject } from "../model.ts";
import { change } from "../navigate.ts";
import { state } from "../state.ts";
import { Cells, cellName, gridOf, looked } from "../ui/cells.tsx";
import { setColour, signColour } from "../ui/colours.ts";
import { Formula } from "../ui/formula.tsx";
import { exact, largest, tiny } from "../ui/numbers.ts";
import { Slider } from "../ui/slider.tsx";
import { CopyTest } from "./copyTest.tsx";
import { Paths } from "./paths.tsx";

const EPS = [0, 1e-12, 1e-8, 1e-5, 1e-3, 0.1, 1];

export function Watch(): JSX.Element {
  const now = state.value;
  const formulas = formulasOf(now.norm, now.option);
  return (
    <section aria-labelledby="part-2">
      <h2 id="part-2">Forward and backward, cell by cell</h2>
      <p class="lead">
        Click a cell of x or of gradOutput and type; or move with the arrows and press Enter. Everything follows at
        once, and the cell you look at is marked in every table.
      </p>
      {subject.value && (
        <>
          <h3>Forward</h3>
          {formulas && <Formula label="Formula of the forward" tex={formulas.forward} />}
          <Forward />
          <h3>Backward</h3>
          {formulas && <Formula label="Formula of the backward" tex={formulas.backward} />}
          {formulas && <p class="note">{formulas.where}</p>}
          <Backward />
          <CopyTest />
        </>
      )}
    </section>
  );
}

function edit(which: "x" | "gradOutput"): (cell: number, value: number) => void {
  return (cell, value) => change({ [which]: state.value[which].with(cell, value) }, `${which}${cell}`);
}

function Forward(): JSX.Element {
  const { shape, x } = state.value;
  const { xhat = [], y = [] } = forward.value ?? {};
  const own = new Map(statistics.value.flatMap(({ cells, ...rest }) => cells.map((cell) => [cell, rest] as const)));
  const colour = (cell: number): string => setColour(partition.value[cell] ?? 0, statistics.value.length);
  const most = largest(xhat, y);
  const about = own.get(Math.min(looked.value, x.length - 1));
  return (
    <div class={gridOf("tables", shape)}>
      <Panel title="x" note="editable, coloured by set">
        <Cells label="x, editable" shape={shape} values={x} colour={colour} onEdit={edit("x")} />
      </Panel>
      <Panel
        title="x̂"
        note={
          about
            ? `y before weight and bias; the marked set has mean ${exact(about.mean)}, variance ${exact(about.biased)}`
            : ""
        }
      >
        <Cells label="x̂, normalized" shape={shape} values={xhat} colour={(cell) => signColour(xhat[cell] ?? 0, most)} />
      </Panel>
      <Panel title="y" note="after weight and bias">
        <Cells label="y, the output" shape={shape} values={y} colour={(cell) => signColour(y[cell] ?? 0, most)} />
      </Panel>
      <Parameters />
    </div>
  );
}

function Backward(): JSX.Element {
  const { shape, gradOutput, constants } = state.value;
  const found = maps.value;
  const most = largest(gradOutput);
  return (
    <>
      <div class={gridOf("tables", shape)}>
        <Panel title="gradOutput" note="editable: ∂L/∂y">
          <Cells
            label="gradOutput, editable"
            shape={shape}
            values={gradOutput}
            colour={(cell) => signColour(gradOutput[cell] ?? 0, most)}
            onEdit={edit("gradOutput")}
          />
        </Panel>
        <Switches />
      </div>
      {found && (
        <Paths shape={shape} maps={found} constants={constants}>
          <Differences />
          <Readout />
        </Paths>
      )}
    </>
  );
}

function Switches(): JSX.Element {
  const { eps, constants } = state.value;
  return (
    <div class="panel switches">
      <Slider
        label="eps"
        values={EPS.includes(eps) ? EPS : [...EPS, eps].toSorted((a, b) => a - b)}
        value={eps}
        onValue={(value) => change({ eps: value }, "eps")}
      />
      <label class="switch">
        <input
          type="checkbox"
          role="switch"
          checked={constants}
          onChange={(event) => change({ constants: event.currentTarget.checked })}
        />
        Take mean and variance for constants
      </label>
    </div>
  );
}

function Differences(): JSX.Element {
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
  const error = largest(values.map((value, cell) => value - (shown[cell] ?? 0)));
  const agrees = error <= 1e-9 * Math.max(most, 1e-3);
  return (
    <Judge note="only runs the forward">
      <Cells
        label="finite difference"
        shape={shape}
        values={values}
        colour={(cell) => signColour(values[cell] ?? 0, most)}
      />
      <p class={agrees ? "verdict right" : "verdict wrong"} role="status" data-error={error}>
        {agrees ? "✓ agrees with gradInput" : "✗ disagrees with gradInput"}: largest error {tiny(error)}
      </p>
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

function Readout(): JSX.Element {
  const { shape, x } = state.value;
  const cell = Math.min(looked.value, x.length - 1);
  const found = maps.value;
  const difference = differenceNow()?.values?.[cell];
  const at = (values: readonly number[] | undefined): number => values?.[cell] ?? NaN;
  const shown = at(shownGradient.value);
  return (
    <p class="readout">
      <span class="where">{cellName(cell, shape)}</span> <span class="direct">{exact(at(found?.direct))}</span>
      {" + "}
      <span class="mean">({exact(at(found?.viaMean))})</span>
      {" + "}
      <span class="variance">({exact(at(found?.viaVariance))})</span>
      {" = "}
      <strong>{exact(at(found?.gradInput))}</strong>
      {difference !== undefined && (
        <span class="note">
          {" "}
          finite difference {exact(difference)}, error {tiny(Math.abs(difference - shown))}
        </span>
      )}
    </p>
  );
}

/** Weight, bias and what else the norm takes, as rows of numbers. */
function Parameters(): JSX.Element | null {
  const now = subject.value;
  if (!now || now.inputs.length < 2) return null;
  const set = (name: string, values: readonly number[]): void => {
    change({ parameters: { ...state.value.parameters, [name]: values } }, name);
  };
  return (
    <div class="parameters">
      {now.case.inputs.slice(1).map(({ name, shape }, i) => {
        const values = [...(now.inputs[i + 1]?.data ?? [])];
        if (values.length > 32) return null;
        const most = largest(values);
        return (
          <Panel title={name} note={`editable, shape [${shape.join(", ")}]`} key={name}>
            <Cells
              alone
              label={`${name}, editable`}
              shape={[1, values.length, 1, 1]}
              values={values}
              colour={(cell) => signColour(values[cell] ?? 0, most)}
              onEdit={(cell, value) => set(name, values.with(cell, value))}
            />
          </Panel>
        );
      })}
    </div>
  );
}

interface PanelProps {
  readonly title: string;
  readonly note: string;
  readonly children?: JSX.Element | readonly JSX.Element[];
}

function Panel({ title, note, children }: PanelProps): JSX.Element {
  return (
    <div class="panel">
      <h4>{title}</h4>
      {children}
      <p class="note">{note}</p>
    </div>
  );
}
