/**
 * The average over windows, which avgPool2d and adaptiveAvgPool2d share.
 *
 *   y[p] = Σ over window p of x / d[p]          d: the divisor of each window
 *
 * Backward, with g = ∂L/∂y: every cell of window p gets g[p] / d[p]; where windows overlap, these add up.
 */
import { NdArray } from "../autograd/ndarray.ts";
import type { Num } from "../autograd/num.ts";
import { sizeOf } from "../autograd/shape.ts";
import type { Attributes, Kernel, Rule } from "../autograd/tape.ts";
import { apply } from "../autograd/tensor.ts";
import type { Tensor } from "../autograd/tensor.ts";
import { averageWindows, averageWindowsGrad } from "../kernels/pool2d.ts";
import type { PoolWindows } from "../kernels/pool2d.ts";
import type { Pooling } from "./pooling.ts";

export const averagePoolRule =
  (pooling: Pooling, divisors: Float64Array): Rule<readonly [Tensor]> =>
  <A extends Num<A>>(x: A) => {
    const { planes, outputShape } = pooling;
    const { cellOf, windowOf } = everyWindow(pooling);
    const perWindow = x.constant(() => divisors, [divisors.length]);
    const sums = x.take(cellOf).putAdd(windowOf, sizeOf(outputShape));
    return {
      output: sums.reshape([planes, divisors.length]).div(perWindow).reshape(outputShape),
      pullback: (gradOutput: A) => {
        const shares = gradOutput.reshape([planes, divisors.length]).div(perWindow);
        return [shares.take(windowOf).putAdd(cellOf, sizeOf(x.shape)).reshape(x.shape)];
      },
    };
  };

export const averagePoolKernel =
  (pooling: Pooling, divisors: Float64Array): Kernel<readonly [Tensor]> =>
  (x: NdArray) => {
    const { planes, planeSize, windows, inputShape, outputShape } = pooling;
    return {
      output: new NdArray(averageWindows(x.data, planes, planeSize, windows, divisors), outputShape),
      pullback: ({ data }: NdArray) => [
        new NdArray(averageWindowsGrad(data, planes, planeSize, windows, divisors), inputShape),
      ],
    };
  };

export function averagePool(
  name: string,
  input: Tensor,
  pooling: Pooling,
  divisors: Float64Array,
  attributes: Attributes,
): Tensor {
  const rule = averagePoolRule(pooling, divisors);
  return apply(name, { rule, kernel: averagePoolKernel(pooling, divisors), attributes }, input);
}

/** How many cells each window covers. */
export function windowSizes({ starts }: PoolWindows): Float64Array {
  return Float64Array.from(starts.subarray(1), (end, window) => end - (starts[window] ?? 0));
}

/** For every cell of every window of every plane, the flat index of the cell, and of the window. */
function everyWindow({ planes, planeSize, windows: { cells, starts } }: Pooling): {
  readonly cellOf: Int32Array;
  readonly windowOf: Int32Array;
} {
  const count = starts.length - 1;
  const cellOf = new Int32Array(planes * cells.length);
  const windowOf = new Int32Array(planes * cells.length);
  for (let plane = 0, at = 0; plane < planes; plane++) {
    for (let window = 0; window < count; window++) {
      for (let i = starts[window]!; i < starts[window + 1]!; i++, at++) {
        cellOf[at] = plane * planeSize + cells[i]!;
        windowOf[at] = plane * count + window;
      }
    }
  }
  return { cellOf, windowOf };
}
