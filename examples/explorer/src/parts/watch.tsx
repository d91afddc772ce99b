/** Part 2: edit a cell, and watch what flows back on each path. */
import type { JSX } from "preact";
import { formulasOf, pathsOf } from "../formulas.ts";
import { looked } from "../looked.ts";
import { forward, isRunning, maps, partition, sharing, statistics, subject } from "../model.ts";
import { change } from "../navigate.ts";
import { state } from "../state.ts";
import { Cells, gridOf } from "../ui/cells.tsx";
import { setColour, signColour } from "../ui/colours.ts";
import { Formula } from "../ui/formula.tsx";
import { exact, largest } from "../ui/numbers.ts";
import { Slider } from "../ui/slider.tsx";
import { CopyTest } from "./copyTest.tsx";
import { Differences } from "./differences.tsx";
import { Panel } from "./panel.tsx";
import { Parameters } from "./parameters.tsx";
import { Paths } from "./paths.tsx";
import { Readout } from "./readout.tsx";
import { Refused } from "./refused.tsx";

const EPS = [0, 1e-12, 1e-8, 1e-5, 1e-3, 0.1, 1];

export function Watch(): JSX.Element {
  const now = state.value;
  const formulas = formulasOf(now.norm, now.option);
  return (
    <section aria-labelledby="forward-backward">
      <h2 id="forward-backward">Forward and backward, cell by cell</h2>
      <p class="lead">
        Click a cell of x, of gradOutput, of a weight or a bias, and type; or move with the arrows and press Enter.
        Delete makes it 0. Everything follows at once, and the cell you look at is marked in every table
        {isRunning.value ? "." : ", with the cells that share its statistics faintly."}
      </p>
      {subject.value ? (
        <>
          <MarkedSet />
          <h3>Forward</h3>
          {formulas && <Formula label="Formula of the forward" tex={formulas.forward} />}
          <Forward />
          <h3>Backward</h3>
          {formulas && <Formula label="Formula of the backward" tex={formulas.backward} />}
          {formulas && <p class="note">{formulas.where}</p>}
          <Backward />
          <CopyTest />
        </>
      ) : (
        <Refused />
      )}
    </section>
  );
}

/** One rule of style, so that no table is drawn anew when another cell is marked. */
function MarkedSet(): JSX.Element | null {
  const set = sharing.value?.[Math.min(looked.value, partition.value.length - 1)];
  if (set === undefined || statistics.value.length < 2) return null;
  return <style>{`.cells td[data-set="${set}"] { box-shadow: inset 0 0 0 1.5px var(--mate); }`}</style>;
}

function edit(which: "x" | "gradOutput"): (cell: number, value: number) => void {
  return (cell, value) => change({ [which]: state.value[which].with(cell, value) }, `${which}${cell}`);
}

function Forward(): JSX.Element {
  const { norm, option, shape, x } = state.value;
  const { xhat = [], y = [] } = forward.value ?? {};
  const own = new Map(statistics.value.flatMap(({ cells, ...rest }) => cells.map((cell) => [cell, rest] as const)));
  const isColoured = !isRunning.value;
  const colour = (cell: number): string =>
    isColoured ? setColour(partition.value[cell] ?? 0, statistics.value.length) : "var(--cell)";
  const most = largest(xhat, y);
  const about = own.get(Math.min(looked.value, x.length - 1));
  const hasMoments = pathsOf(norm, option).hasMean && norm !== "switchableNorm";
  const isUnbiased = option.startsWith("unbiased");
  const moments =
    about && hasMoments
      ? `; the marked set has mean ${exact(about.mean)}, variance ${exact(isUnbiased ? about.unbiased : about.biased)}`
      : "";
  const sets = sharing.value;
  return (
    <div class={gridOf("tables", shape)}>
      <Panel title="x" note={isColoured ? "editable, coloured by set" : "editable; its cells share nothing"}>
        <Cells label="x, editable" shape={shape} values={x} colour={colour} sets={sets} onEdit={edit("x")} />
      </Panel>
      <Panel
        title="x̂"
        note={`y before weight and bias${isColoured ? moments : "; by runningMean and the other running statistic of its channel, above"}`}
      >
        <Cells
          label="x̂, normalized"
          shape={shape}
          values={xhat}
          sets={sets}
          colour={(cell) => signColour(xhat[cell] ?? 0, most)}
        />
      </Panel>
      <Panel title="y" note="after weight and bias">
        <Cells
          label="y, the output"
          shape={shape}
          values={y}
          sets={sets}
          colour={(cell) => signColour(y[cell] ?? 0, most)}
        />
      </Panel>
      <Parameters />
    </div>
  );
}

function Backward(): JSX.Element {
  const { norm, option, shape, gradOutput, constants } = state.value;
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
            sets={sharing.value}
            colour={(cell) => signColour(gradOutput[cell] ?? 0, most)}
            onEdit={edit("gradOutput")}
          />
        </Panel>
        <Switches />
      </div>
      {found && (
        <Paths
          shape={shape}
          maps={found}
          has={pathsOf(norm, option)}
          isRunning={isRunning.value}
          sets={sharing.value}
          constants={constants}
        >
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
