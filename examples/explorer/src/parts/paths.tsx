/** The three maps and their sum, on one scale of colour. */
import type { ComponentChildren, JSX } from "preact";
import type { PathsThere } from "../formulas.ts";
import type { Maps } from "../model.ts";
import type { Shape4 } from "../subject.ts";
import { Cells, gridOf } from "../ui/cells.tsx";
import { signColour } from "../ui/colours.ts";
import { largest } from "../ui/numbers.ts";

interface PathsProps {
  readonly shape: Shape4;
  readonly maps: Maps;
  /** Which of the paths the norm has: one that it has not is said, and no map of zeros. */
  readonly has: PathsThere;
  readonly isRunning?: boolean;
  readonly sets?: readonly number[] | undefined;
  readonly constants?: boolean;
  /** Set before the names of the tables where a page has several. */
  readonly prefix?: string;
  /** What stands beside the sum. */
  readonly children?: ComponentChildren;
}

export function Paths(props: PathsProps): JSX.Element {
  const { shape, maps, has, isRunning = false, sets, constants = false, prefix = "", children } = props;
  const { direct, viaMean, viaVariance, gradInput } = maps;
  const most = largest(direct, viaMean, viaVariance, gradInput);
  const lost = constants ? " off" : "";
  const none = (what: string): string =>
    isRunning ? `nothing: the running ${what} is a constant` : `nothing: this norm has no ${what}`;
  const sum = constants ? "what is missing is the other two" : "the sum of the three";
  const list = [
    ["direct", "direct", "statistics held", direct, "", null],
    ["mean", "via mean", "x moves the mean", viaMean, lost, has.hasMean ? null : none("mean")],
    ["variance", "via variance", "x moves the variance", viaVariance, lost, has.hasVariance ? null : none("variance")],
    ["sum", "gradInput", sum, constants ? direct : gradInput, "", null],
  ] as const;
  return (
    <div class={gridOf("paths", shape)}>
      {list.map(([path, title, note, values, off, absent], i) => (
        <figure class={`panel path ${path}${off}`} key={path}>
          <figcaption>
            <span class="operator" aria-hidden="true">
              {["", "+", "+", "="][i]}
            </span>
            <span class="chip">{title}</span>
            <span class="note">{absent ?? (off === "" ? note : "taken for constant")}</span>
          </figcaption>
          {absent === null && (
            <Cells
              label={prefix + title}
              shape={shape}
              values={values}
              sets={sets}
              colour={(cell) => signColour(values[cell] ?? 0, most)}
            />
          )}
        </figure>
      ))}
      {children}
    </div>
  );
}
