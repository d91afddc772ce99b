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
  /** Drawn behind the line, in its colour. */
  readonly band?: {
    readonly low: readonly (number | null)[];
    readonly high: readonly (number | null)[];
  };
}

const HEIGHT = 300;

interface CurveProps {
  /** Read out in place of the picture. */
  readonly label: string;
  readonly xLabel: string;
  readonly yLabel: string;
  readonly x: readonly number[];
  readonly series: readonly Series[];
  readonly range?: readonly [min: number, max: number];
}

export function Curve({ label, xLabel, yLabel, x, series, range }: CurveProps): JSX.Element {
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
        // A canvas knows no rem.
        const size = 0.8125 * Number.parseFloat(getComputedStyle(document.documentElement).fontSize);
        const font = `${Math.round(size)}px ${style.fontFamily}`;
        const axis = {
          font,
          labelFont: font,
          labelSize: 24,
          stroke: colour("--quiet"),
          grid: { stroke: colour("--line"), width: 1 },
          ticks: { stroke: colour("--line"), width: 1 },
        };
        const bands = series.flatMap((line) => (line.band ? [{ ...line, band: line.band }] : []));
        const edge = { width: 0, points: { show: false } };
        const options: Options = {
          width: current.clientWidth,
          height: HEIGHT,
          legend: { show: false },
          cursor: { show: false },
          scales: { x: { time: false }, y: range ? { range: [range[0], range[1]] } : {} },
          axes: [
            { ...axis, label: xLabel, incrs: [1, 2, 5, 10, 20, 50, 100] },
            { ...axis, label: yLabel, size: 44 },
          ],
          series: [
            {},
            ...series.map((line) => ({
              label: line.label,
              stroke: colour(line.colour),
              width: 2,
              points: { show: false },
              ...(line.dashed ? { dash: [6, 5] } : {}),
            })),
            ...bands.flatMap(() => [edge, edge]),
          ],
          bands: bands.map((line, i) => {
            const high = 1 + series.length + 2 * i;
            const fill = `color-mix(in srgb, ${colour(line.colour)} ${line.dashed ? 12 : 24}%, transparent)`;
            return { series: [high, high + 1], fill };
          }),
        };
        const data: AlignedData = [
          [...x],
          ...series.map(({ values }) => [...values]),
          ...bands.flatMap(({ band }) => [[...band.high], [...band.low]]),
        ];
        return new UPlot(options, data, current);
      };
      let plot = make();
      const again = (): void => {
        plot.destroy();
        plot = make();
      };
      const sized = new ResizeObserver(() => plot.setSize({ width: current.clientWidth, height: HEIGHT }));
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
  }, [x, series, range, xLabel, yLabel]);
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
