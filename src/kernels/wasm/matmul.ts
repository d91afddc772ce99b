import * as typescript from "../matmul.ts";
import { multiples } from "../matrixView.ts";
import { addLargeProduct } from "./product.ts";

/** From this many multiplications on, copying costs less than it saves: [64, 128] · [128, 10] in float32 takes half of the time. */
const LARGE = 65536;

/** The function of this name in ../matmul.ts, with the rounding that product.ts states. */
export const matmul: typeof typescript.matmul = (out, a, b, m, k, n, options = {}) => {
  if (m < 2 || n < 2 || m * k * n < LARGE) {
    typescript.matmul(out, a, b, m, k, n, options);
    return;
  }
  const { aOffset = 0, bOffset = 0, outOffset = 0, transposeA = false, transposeB = false } = options;
  const [aRow, aColumn] = transposeA ? [1, m] : [k, 1];
  const [bRow, bColumn] = transposeB ? [1, k] : [n, 1];
  addLargeProduct(
    { data: out, offset: outOffset, rows: multiples(n, m), columns: multiples(1, n) },
    { data: a, offset: aOffset, rows: multiples(aRow, m), columns: multiples(aColumn, k) },
    { data: b, offset: bOffset, rows: multiples(bRow, k), columns: multiples(bColumn, n) },
    !options.accumulate,
  );
};
