/** The three maps and their sum, on one scale of colour. */
import type { ComponentChildren, JSX } from "preact";
import type { Maps } from "../model.ts";
import type { Shape4 } from "../subject.ts";
import { Cells, gridOf } from "../ui/cells.tsx";
import { signColour } from "../ui/colours.ts";
import { largest } from "../ui/numbers.ts";

interface PathsProps {
  readonly shape: Shape4;
  readonly maps: Maps;
  readonly constants?: boolean;
  /** Set before the names of the tables where a page has several. */
  readonly prefix?: string;
  /** What stands beside the sum. */
  readonly children?: ComponentChildren;
}

export function Paths({ shape, maps, constants = false, prefix = "", children }: PathsProps): JSX.Element {
  const { direct, viaMean, viaVariance, gradInput } = maps;
  const most = largest(direct, viaMean, viaVariance, gradInput);
  const lost = constants ? " off" : "";
  const list = [
    ["direct", "direct", "statistics held", direct, ""],
    ["mean", "via mean", "x moves the mean", viaMean, lost],
    ["variance", "via variance", "x moves the variance", viaVariance, lost],
    [
      "sum",
      "gradInput",
      constants ? "what is missing is the other two" : "the sum of the three",
      constants ? direct : gradInput,
      "",
    ],
  ] as const;
  return (
    <div class={gridOf("paths", shape)}>
      {list.map(([path, title, note, values, off], i) => (
        <figure class={`panel path ${path}${off}`} key={path}>
          <figcaption>
            <span class="operator" aria-hidden="true">
              {["", "+", "+", "="][i]}
            </span>
            <span class="chip">{title}</span>
            <span class="note">{off === "" ? note : "taken for constant"}</span>
          </figcaption>
          <Cells
            label={prefix + title}
            shape={shape}
            values={values}
            colour={(cell) => signColour(values[cell] ?? 0, most)}
          />
        </figure>
      ))}
      {children}
    </div>
  );
}
