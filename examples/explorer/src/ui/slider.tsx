/** A slider over a list of values, with its value in words. */
import { useId } from "preact/hooks";
import type { JSX } from "preact";

interface SliderProps {
  readonly label: string;
  readonly values: readonly number[];
  readonly value: number;
  readonly words?: (value: number) => string;
  readonly onValue: (value: number) => void;
}

export function Slider({ label, values, value, words = String, onValue }: SliderProps): JSX.Element {
  const id = useId();
  const at = Math.max(0, values.indexOf(value));
  return (
    <div class="control">
      <label for={id}>{label}</label>
      <div class="slider">
        <input
          id={id}
          type="range"
          min={0}
          max={values.length - 1}
          step={1}
          value={at}
          aria-valuetext={words(value)}
          onInput={(event) => onValue(values[event.currentTarget.valueAsNumber] ?? value)}
        />
        <output for={id}>{words(value)}</output>
      </div>
    </div>
  );
}
