/** Pictures side by side, a rectangle a pixel. */
import type { Tensor } from "normgrad";
import type { TopLevelSpec } from "vega-lite";

export interface Picture {
  readonly row: string;
  readonly column: string;
  /** [1, 3, H, W]: red, green and blue from 0 to 1; what is beyond is cut off. */
  readonly image: Tensor;
}

/** A table of pictures, in the order in which rows and columns first appear. */
export function pictures(list: readonly Picture[]): TopLevelSpec {
  const inOrder = (names: readonly string[]): string[] => [...new Set(names)];
  const [, , height = 1, width = 1] = list[0]?.image.shape ?? [];
  const along = (field: string, count: number): { field: string; type: "ordinal"; axis: null; scale: object } => ({
    field,
    type: "ordinal",
    axis: null,
    scale: { domain: Array.from({ length: count }, (_, i) => i), paddingInner: 0, paddingOuter: 0 },
  });
  return {
    data: { values: list.flatMap(pixelsOf) },
    facet: {
      row: { field: "row", type: "nominal", title: null, sort: inOrder(list.map(({ row }) => row)) },
      column: { field: "column", type: "nominal", title: null, sort: inOrder(list.map(({ column }) => column)) },
    },
    spec: {
      width: 6 * width, // whole pixels: no seams between the rectangles
      height: 6 * height,
      mark: { type: "rect", aria: false, stroke: null },
      encoding: {
        x: along("x", width),
        y: along("y", height),
        color: { field: "colour", type: "nominal", scale: null },
      },
    },
  };
}

function pixelsOf({
  row,
  column,
  image,
}: Picture): { row: string; column: string; x: number; y: number; colour: string }[] {
  const [, , height = 1, width = 1] = image.shape;
  const count = height * width;
  const byte = (value = 0): number => Math.round(255 * Math.min(1, Math.max(0, value)));
  return Array.from({ length: count }, (_, i) => {
    const [red, green, blue] = [0, 1, 2].map((channel) => byte(image.data[channel * count + i]));
    return { row, column, x: i % width, y: Math.floor(i / width), colour: `rgb(${red},${green},${blue})` };
  });
}
