/** Inputs and windows that fit together, small and awkward. */
import fc from "fast-check";
import type { Shape } from "../../src/autograd/index.ts";

type Pair = readonly [number, number];

export interface PoolSetting {
  readonly shape: Shape;
  readonly kernelSize: Pair;
  readonly stride: Pair;
  readonly padding: Pair;
  readonly dilation: Pair;
}

/** Along one dim: [size, kernelSize, stride, padding, dilation] such that at least one window fits. */
function along(dilated: boolean): fc.Arbitrary<readonly [number, number, number, number, number]> {
  return fc
    .record({
      kernelSize: fc.integer({ min: 1, max: 3 }),
      stride: fc.integer({ min: 1, max: 3 }),
      isPadded: fc.boolean(),
      dilation: dilated ? fc.integer({ min: 1, max: 2 }) : fc.constant(1),
      more: fc.integer({ min: 0, max: 4 }),
    })
    .map(({ kernelSize, stride, isPadded, dilation, more }) => {
      const padding = isPadded ? Math.floor(kernelSize / 2) : 0;
      // Padding and dilation together could otherwise leave a window without a cell of the input.
      const least = dilation * (kernelSize - 1) + 1 - (dilation === 1 ? 2 * padding : 0);
      return [Math.max(1, least) + more, kernelSize, stride, padding, dilation];
    });
}

export function poolSettings({ dilated }: { readonly dilated: boolean }): fc.Arbitrary<PoolSetting> {
  return fc
    .record({
      leading: fc.array(fc.integer({ min: 1, max: 2 }), { minLength: 1, maxLength: 2 }),
      rows: along(dilated),
      columns: along(dilated),
    })
    .map(({ leading, rows, columns }) => ({
      shape: [...leading, rows[0], columns[0]],
      kernelSize: [rows[1], columns[1]],
      stride: [rows[2], columns[2]],
      padding: [rows[3], columns[3]],
      dilation: [rows[4], columns[4]],
    }));
}
