/** What a classifier got right. */
import type { Tensor } from "normgrad";

/**
 * For each row of the logits, whether the label's is the largest.
 *
 * @param logits [rows, classes]
 * @param labels one a row
 */
export function rightOf({ data, shape: [, classes = 0] }: Tensor, labels: Int32Array): boolean[] {
  return Array.from(labels, (label, row) => {
    const scores = data.subarray(row * classes, (row + 1) * classes);
    return scores.indexOf(Math.max(...scores)) === label;
  });
}

/** How many in 100 are true. */
export function percentOf(right: readonly boolean[]): number {
  return (100 * right.filter(Boolean).length) / right.length;
}
