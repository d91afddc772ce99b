/** Curves over a common x, with a legend in words. uPlot is loaded when the first one is shown. */
import { useEffect, useRef } from "preact/hooks";
import type { JSX } from "preact";
import type { AlignedData, Options } from "uplot";

export interface Series {
  readonly label: string;
  /** A custom property of the page: --direct. */
  readonly colour: string;
  readonly values: readonly (number | null)[];
  readonly dashed?: boolean;
}

interface CurveProps {
  /** Read out in place of the picture. */
  readonly label: string;
  readonly xLabel: string;
  readonly x: readonly number[];
  readonly series: readonly Series[];
  readonly range?: readonly [min: number, max: number];
}

export function Curve({ label, xLabel, x, series, range }: CurveProps): JSX.Element {
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    let left = false;
    let stop = (): void => undefined;
    void draw().then((end) => (left ? end() : (stop = end)));
    async function draw(): Promise<() => void> {
      const [{ default: UPlot }] = await Promise.all([import("uplot"), import("uplot/dist/uPlot.min.css")]);
      const { current } = place;
      if (!current || left) return () => undefined;
      const scheme = matchMedia("(prefers-color-scheme: dark)");
      const make = (): { destroy: () => void; setSize: (size: { width: number; height: number }) => void } => {
        const style = getComputedStyle(current);
        const colour = (name: string): string => style.getPropertyValue(name).trim();
        const axis = {
          stroke: colour("--quiet"),
          grid: { stroke: colour("--line"), width: 1 },
          ticks: { stroke: colour("--line"), width: 1 },
        };
        const options: Options = {
          width: current.clientWidth,
          height: 260,
          legend: { show: false },
          cursor: { show: false },
          scales: { x: { time: false }, y: range ? { range: [range[0], range[1]] } : {} },
          axes: [{ ...axis, label: xLabel, labelSize: 24, incrs: [1, 2, 5, 10, 20, 50, 100] }, axis],
          series: [
            {},
            ...series.map((line) => ({
              label: line.label,
              stroke: colour(line.colour),
              width: 2,
              points: { show: false },
              ...(line.dashed ? { dash: [6, 5] } : {}),
            })),
          ],
        };
        const data: AlignedData = [[...x], ...series.map(({ values }) => [...values])];
        return new UPlot(options, data, current);
      };
      let plot = make();
      const again = (): void => {
        plot.destroy();
        plot = make();
      };
      const sized = new ResizeObserver(() => plot.setSize({ width: current.clientWidth, height: 260 }));
      sized.observe(current);
      scheme.addEventListener("change", again);
      return () => {
        sized.disconnect();
        scheme.removeEventListener("change", again);
        plot.destroy();
      };
    }
    return () => {
      left = true;
      stop();
    };
  }, [x, series, range, xLabel]);
  return (
    <figure class="curve">
      <div ref={place} role="img" aria-label={label} class="canvas" />
      <figcaption class="legend">
        {series.map((line) => (
          <span key={line.label}>
            <i class={line.dashed ? "dashed" : ""} style={{ borderColor: `var(${line.colour})` }} aria-hidden="true" />
            {line.label}
          </span>
        ))}
      </figcaption>
    </figure>
  );
}
