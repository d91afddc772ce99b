/** The curve of cost against size, as SVG. */
import { parse, View } from "vega";
import { compile } from "vega-lite";
import type { TopLevelSpec } from "vega-lite";
import { elementsOf, sizes } from "./cases.ts";
import { CONTESTANTS, LABELS } from "./contestants/names.ts";
import { timesOf } from "./measurement.ts";
import type { Results } from "./measurement.ts";

interface Point {
  readonly elements: number;
  readonly cost: number;
  readonly contestant: string;
  readonly ours: boolean;
}

export function pointsOf(results: Results): readonly Point[] {
  return CONTESTANTS.flatMap((name) =>
    sizes.flatMap((measured) => {
      const time = timesOf(results, "sizes", measured.id, name);
      if (time === null) return [];
      const elements = elementsOf(measured);
      const ours = name.startsWith("normgrad");
      return [
        { elements, cost: time.median / elements, contestant: ours ? `normgrad ${LABELS[name]}` : LABELS[name], ours },
      ];
    }),
  );
}

export async function curveSvg(results: Results): Promise<string> {
  const points = pointsOf(results);
  const order = [...new Set(points.map(({ contestant }) => contestant))];
  const spec: TopLevelSpec = {
    $schema: "https://vega.github.io/schema/vega-lite/v6.json",
    background: "white",
    title: { text: "LayerNorm over rows of 256, float32, forward + backward", anchor: "start" },
    width: 620,
    height: 360,
    data: { values: points.map((point) => ({ ...point })) },
    mark: { type: "line", point: { size: 24 } },
    encoding: {
      x: {
        field: "elements",
        type: "quantitative",
        title: "elements",
        scale: { type: "log", base: 2, domain: [2 ** 10, 2 ** 24], nice: false },
        axis: {
          values: sizes.map(elementsOf),
          labelExpr: "datum.value >= 1048576 ? datum.value / 1048576 + 'M' : datum.value / 1024 + 'k'",
        },
      },
      y: {
        field: "cost",
        type: "quantitative",
        title: "ns an element (CPU time)",
        scale: { type: "log", nice: false },
        axis: { labelExpr: "format(datum.value, '~g')" },
      },
      color: {
        field: "contestant",
        type: "nominal",
        title: null,
        sort: order,
        scale: { domain: order, scheme: "tableau10" },
      },
      strokeDash: {
        field: "ours",
        type: "nominal",
        legend: null,
        scale: { domain: [true, false], range: [[], [5, 3]] },
      },
    },
    config: { font: "sans-serif" },
  };
  return new View(parse(compile(spec).spec), { renderer: "none" }).toSVG();
}
