/** Charts as SVG, drawn by Vega-Lite without a browser. */
import { parse, View } from "vega";
import { compile } from "vega-lite";
import type { TopLevelSpec } from "vega-lite";

/** Okabe and Ito's colours, which people with any colour vision tell apart. */
export const COLOURS: readonly string[] = [
  "#0072b2",
  "#d55e00",
  "#009e73",
  "#cc79a7",
  "#e69f00",
  "#56b4e9",
  "#7f7f7f",
  "#f0e442",
];

/** A chart in the lessons' style; `label` is what a screen reader says of it. */
export async function svgOf(spec: TopLevelSpec, label: string): Promise<string> {
  const styled = { background: "transparent", ...spec, config: { ...STYLE, ...spec.config } };
  const svg = await new View(parse(compile(styled).spec), { renderer: "none" }).toSVG();
  const escaped = label.replaceAll("&", "&amp;").replaceAll('"', "&quot;");
  return svg.replace("<svg ", `<svg role="img" aria-label="${escaped}" `);
}

const GREY = "#767676"; // to be read on white and on black
const STYLE = {
  font: "system-ui, sans-serif",
  axis: {
    labelFontSize: 12,
    titleFontSize: 12,
    titleFontWeight: "normal",
    domainColor: "#8884",
    gridColor: "#8883",
    tickColor: "#8884",
    labelColor: GREY,
    titleColor: GREY,
  },
  legend: { labelFontSize: 12, labelColor: GREY, titleColor: GREY },
  header: { labelFontSize: 13, titleFontWeight: "normal", labelColor: GREY, titleColor: GREY },
  title: { color: GREY },
  view: { stroke: null },
} as const;

export interface Point {
  /** Of the curve that it belongs to. */
  readonly name: string;
  readonly x: number;
  readonly y: number;
  /** The spread around it, drawn as a band. */
  readonly low?: number;
  readonly high?: number;
}

export interface CurveOptions {
  readonly x: string;
  readonly y: string;
  /** Default "linear"; powers of two are best shown on "log2", learning rates on "log10". */
  readonly xScale?: "linear" | "log2" | "log10";
  readonly yScale?: "linear" | "log";
  /** The y axis begins at 0. Default false. */
  readonly zero?: boolean;
}

/** 0.01 and 100, but 1e-4: ticks of one axis that can be compared. */
const POWERS = "format(datum.value, datum.value < 0.001 || datum.value > 9999 ? '~e' : '~g')";

/** One curve a name, in the order in which names first appear. */
export function curves(
  points: readonly Point[],
  { x, y, xScale = "linear", yScale = "linear", zero = false }: CurveOptions,
): TopLevelSpec {
  const names = [...new Set(points.map(({ name }) => name))];
  const ticks = [...new Set(points.map((point) => point.x))];
  const axis = { grid: false, labelFlush: false, ...(ticks.length <= 12 ? { values: ticks } : {}) } as const;
  const across = {
    field: "x",
    type: "quantitative",
    title: x,
    ...(xScale === "log2"
      ? ({ scale: { type: "log", base: 2, nice: false }, axis: { ...axis, format: "d" } } as const)
      : xScale === "log10"
        ? ({ scale: { type: "log", nice: false }, axis: { ...axis, format: "~g" } } as const)
        : ({ scale: { zero: false, nice: ticks.length > 12 }, axis } as const)),
  } as const;
  const colour = {
    field: "name",
    type: "nominal",
    title: null,
    legend: { symbolOpacity: 1, symbolType: "circle" }, // not as pale as the band
    scale: { domain: names, range: names.map((_, i) => COLOURS[i % COLOURS.length] ?? GREY) },
  } as const;
  const up = {
    type: "quantitative",
    title: y,
    ...(yScale === "log"
      ? ({ scale: { type: "log" }, axis: { values: logTicks(points), labelExpr: POWERS } } as const)
      : { scale: { zero } }),
  } as const;
  return {
    width: 520,
    height: 300,
    data: { values: points.map((point) => ({ ...point })) },
    encoding: { x: across, color: colour },
    layer: [
      {
        transform: [{ filter: "isValid(datum.low)" }],
        mark: { type: "area", opacity: 0.18 },
        encoding: { y: { field: "low", ...up }, y2: { field: "high" } },
      },
      {
        mark: { type: "line", point: points.length <= 100, strokeWidth: 2 },
        encoding: { y: { field: "y", ...up } },
      },
    ],
  };
}

/** 1, 10, 100, …; with 2 and 5 between them where the points reach over two powers of ten or less. */
function logTicks(points: readonly Point[]): number[] {
  const all = points.flatMap(({ y, low = y, high = y }) => [y, low, high]).map(Math.log10);
  const [first, last] = [Math.floor(Math.min(...all)), Math.ceil(Math.max(...all))];
  const powers = Array.from({ length: last - first + 1 }, (_, i) => 10 ** (first + i));
  return last - first > 2 ? powers : powers.flatMap((power) => [power, 2 * power, 5 * power]);
}
