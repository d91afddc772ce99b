import type { FloatArray } from "./floatArray.ts";

/** Sizes of an array [outer, classes, inner] whose middle dim is softmaxed; it has outer · inner positions. */
export interface ClassSizes {
  readonly outer: number;
  readonly classes: number;
  readonly inner: number;
}

/**
 * For every position, p = softmax(logits) and loss = −Σ q · log p, where q = 0 adds nothing even to p = 0.
 * log p_c = (x_c − max) − log Σ exp(x − max), so nothing overflows.
 */
export function crossEntropyRows(
  p: Float64Array,
  losses: Float64Array,
  logits: FloatArray,
  q: Float64Array,
  { outer, classes, inner }: ClassSizes,
): void {
  const end = classes * inner;
  for (let i = 0; i < outer; i++) {
    for (let j = 0; j < inner; j++) {
      const first = i * end + j;
      let max = -Infinity;
      for (let c = 0; c < end; c += inner) max = Math.max(max, logits[first + c]!);
      let sum = 0;
      for (let c = 0; c < end; c += inner) sum += p[first + c] = Math.exp(logits[first + c]! - max);
      const logSum = Math.log(sum);
      let loss = 0;
      for (let c = 0; c < end; c += inner) {
        p[first + c]! /= sum;
        if (q[first + c] !== 0) loss += q[first + c]! * (logSum - (logits[first + c]! - max));
      }
      losses[i * inner + j] = loss;
    }
  }
}

/** gradLogits = gradLoss · (p · Σ q − q) */
export function crossEntropyRowsBackward(
  gradLogits: Float64Array,
  gradLosses: FloatArray,
  p: Float64Array,
  q: Float64Array,
  { outer, classes, inner }: ClassSizes,
): void {
  const end = classes * inner;
  for (let i = 0; i < outer; i++) {
    for (let j = 0; j < inner; j++) {
      const first = i * end + j;
      const gradLoss = gradLosses[i * inner + j]!;
      let sum = 0;
      for (let c = 0; c < end; c += inner) sum += q[first + c]!;
      for (let c = 0; c < end; c += inner) gradLogits[first + c] = gradLoss * (p[first + c]! * sum - q[first + c]!);
    }
  }
}
