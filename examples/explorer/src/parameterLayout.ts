/** Where the numbers of a parameter stand on the page: under the cells of x that they belong to. */
import type { NormCase, Shape } from "normgrad";
import { fromGiven, toTensor } from "./subject.ts";
import type { Layout, Shape4 } from "./subject.ts";

export interface ParameterLayout {
  readonly shape: Shape4;
  /** For each cell of the page the index of its number. */
  readonly order: readonly number[];
  /** In place of n0, n1, … and c0, c1, …. */
  readonly rows?: (n: number) => string;
  readonly columns?: (c: number) => string;
}

const MIXED = ["IN", "LN", "BN"];

/** @param given the shape of x as the norm takes it */
export function layoutOf(
  { norm, label }: NormCase,
  { name, shape }: NormCase["inputs"][number],
  given: Shape,
  layout: Layout,
): ParameterLayout {
  const count = shape.reduce((product, size) => product * size, 1);
  const none = (): string => "";
  const [first = 1, second = 1, third = 1] = shape;
  const isLikeX = shape.length === 4 || label.startsWith("normalizedShape");
  if (isLikeX && shape.length > 0) {
    const padded = [...Array.from({ length: 4 - shape.length }, () => 1), ...shape];
    return { ...placed(padded, layout), ...(padded[0] === 1 && { rows: none }) };
  }
  if (shape.length === 1 && first === given[1] && first !== 1)
    return { ...placed([1, first, 1, 1], layout), rows: none };
  const straight = (to: Shape4): ParameterLayout => ({ shape: to, order: Array.from({ length: count }, (_, i) => i) });
  if (name === "meanWeight" || name === "varWeight") {
    return { ...straight([1, count, 1, 1]), rows: none, columns: (k) => MIXED[k] ?? "" };
  }
  if (shape.length === 3) return straight([first, second, 1, third]);
  if (shape.length === 2 && norm === "conditionalInstanceNorm") {
    const columns = name === "blend" ? (k: number): string => `style ${k}` : undefined;
    const rows = name === "blend" ? undefined : (k: number): string => `s${k}`;
    return { ...straight([first, second, 1, 1]), ...(rows && { rows }), ...(columns && { columns }) };
  }
  if (shape.length === 2) return { ...straight([first, 1, 1, second]), columns: none };
  return { ...straight([1, count, 1, 1]), rows: none, ...(count === 1 && { columns: none }) };
}

function placed(given: Shape, layout: Layout): ParameterLayout {
  const count = given.reduce((product, size) => product * size, 1);
  const indices = fromGiven(
    toTensor(
      Array.from({ length: count }, (_, i) => i),
      given,
    ),
    layout,
  );
  const [n = 1, c = 1, h = 1, w = 1] = indices.shape;
  return { shape: [n, c, h, w], order: [...indices.data] };
}
