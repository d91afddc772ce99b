/** A tensor [N, C, H, W] as a table of numbers: samples and rows down, channels and columns across. */
import { useRef, useState } from "preact/hooks";
import type { JSX } from "preact";
import { useSignal } from "@preact/signals";
import { looked } from "../looked.ts";
import type { Shape4 } from "../subject.ts";
import { Cell } from "./cell.tsx";
import { CellInput } from "./cellInput.tsx";
import { short } from "./numbers.ts";

interface CellsProps {
  /** Read out as the table's name. */
  readonly label: string;
  readonly shape: Shape4;
  readonly values: readonly number[];
  readonly colour: (cell: number) => string;
  readonly text?: (cell: number) => string;
  readonly onEdit?: (cell: number, value: number) => void;
  /** Not a tensor of the input's shape: its marked cell is its own. */
  readonly alone?: boolean;
  /** Who shares statistics with whom, so that the whole set of the marked cell can be marked. */
  readonly sets?: readonly number[] | undefined;
  /** In place of n0, n1, … and of c0, c1, …; in the names of the cells as well. */
  readonly names?: Names | undefined;
}

export interface Names {
  readonly rows?: ((n: number) => string) | undefined;
  readonly columns?: ((c: number) => string) | undefined;
}

const KEYS: Readonly<Record<string, readonly [rows: number, columns: number]>> = {
  ArrowUp: [-1, 0],
  ArrowDown: [1, 0],
  ArrowLeft: [0, -1],
  ArrowRight: [0, 1],
  Home: [0, -1000],
  End: [0, 1000],
};

export function cellName(cell: number, [, c, h, w]: Shape4, { rows, columns }: Names = {}): string {
  const [n, channel] = [Math.floor(cell / (c * h * w)), Math.floor(cell / (h * w)) % c];
  const [row, column] = [rows?.(n) ?? `n${n}`, columns?.(channel) ?? `c${channel}`];
  return `${row} ${column} h${Math.floor(cell / w) % h} w${cell % w}`.trim();
}

/** Rows that do not fit into a third of the page: the class of a grid of tables says so. */
export function gridOf(name: "tables" | "split" | "paths", [, c, , w]: Shape4): string {
  const columns = c * w;
  return columns > 8 ? `${name} broad wide` : columns > 5 ? `${name} broad` : name;
}

/** The cell of the table in which something has happened. */
function cellOf({ target }: Event): number | null {
  const cell = target instanceof Element ? target.closest("td[data-cell]") : null;
  return cell ? Number(cell.getAttribute("data-cell")) : null;
}

export function Cells({
  label,
  shape,
  values,
  colour,
  text,
  onEdit,
  alone = false,
  sets,
  names = {},
}: CellsProps): JSX.Element {
  const [n, c, h, w] = shape;
  const [rows, columns] = [n * h, c * w];
  const [editing, setEditing] = useState<{ readonly cell: number; readonly start: string | null } | null>(null);
  const table = useRef<HTMLTableElement>(null);
  // Keys that come before the entry is on the page: a quick typist loses none.
  const typed = useRef("");
  const cellAt = (row: number, column: number): number =>
    ((Math.floor(row / h) * c + Math.floor(column / w)) * h + (row % h)) * w + (column % w);
  const own = useSignal(0);
  const marked = alone ? own : looked;
  const current = Math.min(marked.value, values.length - 1);

  // At once: the next key may come before the next frame.
  const focus = (cell: number): void => {
    marked.value = cell;
    table.current?.querySelector<HTMLElement>(`[data-cell="${cell}"]`)?.focus();
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    const cell = cellOf(event);
    if (cell === null || editing || event.ctrlKey || event.metaKey || event.altKey) return;
    const step = KEYS[event.key];
    if (step) {
      event.preventDefault();
      const to = (at: number, by: number, count: number): number => Math.max(0, Math.min(count - 1, at + by));
      const row = Math.floor(cell / (c * h * w)) * h + (Math.floor(cell / w) % h);
      const column = (Math.floor(cell / (h * w)) % c) * w + (cell % w);
      focus(cellAt(to(row, step[0], rows), to(column, step[1], columns)));
    } else if (onEdit && (event.key === "Enter" || event.key === "F2")) {
      event.preventDefault();
      if (typed.current === "") setEditing({ cell, start: null });
    } else if (onEdit && (event.key === "Delete" || event.key === "Backspace")) {
      event.preventDefault();
      onEdit(cell, 0);
    } else if (onEdit && /^[-−0-9.]$/.test(event.key)) {
      event.preventDefault();
      typed.current += event.key;
      setEditing({ cell, start: typed.current });
    }
  };
  const onClick = (event: MouseEvent): void => {
    const cell = cellOf(event);
    if (cell !== null && onEdit && editing?.cell !== cell) setEditing({ cell, start: null });
  };
  const onFocusIn = (event: FocusEvent): void => {
    const cell = cellOf(event);
    if (cell !== null) marked.value = cell;
  };

  const numbers = (count: number): readonly number[] => Array.from({ length: count }, (_, i) => i);
  return (
    <div class="scroll">
      <table
        class="cells"
        style={{ "--columns": String(columns) }}
        role="grid"
        aria-label={label}
        aria-readonly={!onEdit}
        ref={table}
        onClick={onClick}
        onFocusIn={onFocusIn}
        onKeyDown={onKeyDown}
      >
        <thead>
          <tr>
            <td />
            {numbers(c).map((channel) => {
              const words = names.columns?.(channel) ?? `c${channel}`;
              const className = channel > 0 ? "gap" : "";
              return words === "" ? (
                <td colSpan={w} key={channel} class={className} />
              ) : (
                <th scope="colgroup" colSpan={w} key={channel} class={className}>
                  {words}
                </th>
              );
            })}
          </tr>
        </thead>
        <tbody>
          {numbers(rows).map((row) => (
            <tr key={row} class={row > 0 && row % h === 0 ? "gap" : ""}>
              {row % h === 0 && <RowName words={names.rows?.(row / h) ?? `n${row / h}`} span={h} />}
              {numbers(columns).map((column) => {
                const cell = cellAt(row, column);
                const value = values[cell] ?? NaN;
                const shown = text ? text(cell) : short(value);
                const name = cellName(cell, shape, names);
                return (
                  <Cell
                    key={column}
                    cell={cell}
                    gap={column > 0 && column % w === 0}
                    looked={cell === current}
                    set={sets?.[cell]}
                    background={colour(cell)}
                    name={`${name}: ${shown}`}
                    title={`${name}: ${text ? shown : String(value)}`}
                    text={shown}
                  >
                    {onEdit && editing?.cell === cell && (
                      <CellInput
                        label={name}
                        value={value}
                        start={editing.start}
                        onValue={(next) => onEdit(cell, next)}
                        onOpen={() => (typed.current = "")}
                        onDone={(byKey) => {
                          setEditing(null);
                          if (byKey) requestAnimationFrame(() => focus(cell));
                        }}
                      />
                    )}
                  </Cell>
                );
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function RowName({ words, span }: { readonly words: string; readonly span: number }): JSX.Element {
  return words === "" ? (
    <td rowSpan={span} />
  ) : (
    <th scope="rowgroup" rowSpan={span}>
      {words}
    </th>
  );
}
