/** The entry that opens in a cell: typed numbers count at once, arrows step by 0.1, Escape takes it back. */
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import type { JSX } from "preact";
import { notice } from "../state.ts";
import { parseNumber, refusalOfEntry } from "./numbers.ts";

interface CellInputProps {
  readonly label: string;
  readonly value: number;
  /** What was typed to open it, or null: then it begins with the value. */
  readonly start: string | null;
  readonly onOpen: () => void;
  readonly onValue: (value: number) => void;
  readonly onDone: (byKey: boolean) => void;
}

export function CellInput({ label, value, start, onOpen, onValue, onDone }: CellInputProps): JSX.Element {
  const before = useRef(value);
  const [text, setText] = useState(start ?? String(value));
  const input = useRef<HTMLInputElement>(null);
  // Before the next key is pressed: it belongs into the entry.
  useLayoutEffect(() => {
    onOpen();
    input.current?.focus();
    if (start === null) input.current?.select();
    else take(start);
  }, []);

  const take = (next: string): void => {
    setText(next);
    const number = parseNumber(next);
    if (number !== null) onValue(number);
  };
  const isDone = useRef(false);
  /** What cannot be read leaves nothing of its beginning behind: the cell has its old value again. */
  const end = (byKey: boolean): void => {
    if (isDone.current) return;
    isDone.current = true;
    if (parseNumber(text) === null) {
      onValue(before.current);
      notice.value = `${refusalOfEntry(text)} The cell keeps ${before.current}.`;
    }
    onDone(byKey);
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    event.stopPropagation();
    if (event.key === "Enter") {
      end(true);
    } else if (event.key === "Escape") {
      isDone.current = true;
      onValue(before.current);
      onDone(true);
    } else if (event.key === "ArrowUp" || event.key === "ArrowDown") {
      event.preventDefault();
      const step = event.key === "ArrowUp" ? 1 : -1;
      take(String(Math.round(10 * (parseNumber(text) ?? value) + step) / 10));
    }
  };
  return (
    <input
      ref={input}
      value={text}
      inputMode="text"
      aria-label={`value of ${label}`}
      aria-invalid={parseNumber(text) === null}
      onInput={(event) => take(event.currentTarget.value)}
      onKeyDown={onKeyDown}
      onBlur={() => end(false)}
    />
  );
}
