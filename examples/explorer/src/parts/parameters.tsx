/** Weight, bias and what else the norm takes, each laid out like the cells of x that it belongs to. */
import type { JSX } from "preact";
import { layoutOf } from "../parameterLayout.ts";
import { subject } from "../model.ts";
import { change } from "../navigate.ts";
import { notice, state } from "../state.ts";
import { givenShape } from "../subject.ts";
import { Cells } from "../ui/cells.tsx";
import { signColour } from "../ui/colours.ts";
import { largest } from "../ui/numbers.ts";
import { Panel } from "./panel.tsx";

/** Larger tables are neither readable nor quick. */
const MOST = 96;

function set(name: string, values: readonly number[]): void {
  change({ parameters: { ...state.value.parameters, [name]: values } }, name);
}

export function Parameters(): JSX.Element | null {
  const now = subject.value;
  if (!now || now.inputs.length < 2) return null;
  const { shape: full, layout } = state.value;
  return (
    <div class="parameters">
      {now.case.inputs.slice(1).map((input, i) => {
        const { name, shape } = input;
        const flat = [...(now.inputs[i + 1]?.data ?? [])];
        if (flat.length > MOST)
          return <Panel title={name} note={`${flat.length} numbers, too many to show`} key={name} />;
        const { shape: cells, order, rows, columns } = layoutOf(now.case, input, givenShape(full, layout), layout);
        const values = order.map((index) => flat[index] ?? NaN);
        const most = largest(values);
        return (
          <Panel title={name} note={`editable, shape [${shape.join(", ")}]`} key={name}>
            <Cells
              alone
              label={`${name}, editable`}
              shape={cells}
              values={values}
              names={{ rows, columns }}
              colour={(cell) => signColour(values[cell] ?? 0, most)}
              onEdit={(cell, value) => set(name, flat.with(order[cell] ?? 0, value))}
            />
          </Panel>
        );
      })}
    </div>
  );
}

/** The constants of evaluation: a number a channel, which no cell shares in making. */
export function RunningStatistics(): JSX.Element | null {
  const now = subject.value;
  if (!now || now.running.length === 0) return null;
  const { shape: full, layout } = state.value;
  const edit = (name: string, values: readonly number[], at: number, value: number): void => {
    if (name !== "runningMean" && value < 0) notice.value = `${name} is never below 0: the cell keeps ${values[at]}.`;
    else set(name, values.with(at, value));
  };
  return (
    <div class="panel">
      {now.running.map(({ name, values }) => {
        const input = { name, shape: [values.length] };
        const { shape, order, rows, columns } = layoutOf(now.case, input, givenShape(full, layout), layout);
        return (
          <Panel title={name} note="editable, a constant for each channel" key={name}>
            <Cells
              alone
              label={`${name}, editable`}
              shape={shape}
              values={order.map((index) => values[index] ?? NaN)}
              names={{ rows, columns }}
              colour={() => "var(--cell)"}
              onEdit={(cell, value) => edit(name, values, order[cell] ?? 0, value)}
            />
          </Panel>
        );
      })}
    </div>
  );
}
