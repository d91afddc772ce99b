/** The law of FieldArray: over ordinary doubles it is NdArray. */
import type { NdArray } from "../../src/autograd/index.ts";
import { FieldArray } from "../../src/gradcheck/fieldArray.ts";
import { real } from "../../src/gradcheck/real.ts";
import { given } from "../helpers/given.ts";
import { expectClose } from "../helpers/laws.ts";
import type { OpCase } from "../helpers/opDraws.ts";

/** How a FieldArray is made of an NdArray. */
export type Make = (array: NdArray) => FieldArray<number>;
export const make: Make = (array) => FieldArray.from(real, array);

/** Sums of a few dozen terms in another order, and centring: a few ulp of the largest value. */
export const FEW_ULP: number = 8 * 2 ** -53;
/** All others move numbers or round each on its own: every bit is the same. */
const summing = /^(sum|mean|center|variance|softmax|logSoftmax|sumTo|putAdd|matmul)$/;
const tolerance = (name: string): number => (summing.test(name) ? FEW_ULP : 0);

/** What FieldArray over ordinary doubles answers is what NdArray answers, forwards and backwards. */
export function expectSameAsNdArray(name: string, { inputs, f, trace, expected }: OpCase, of: Make = make): void {
  expectClose(name, f(inputs.map(of)).toNdArray(), f(inputs), tolerance(name));
  if (!trace) return;
  const gradOutput = expected.mul(0.7).add(0.3);
  const found = trace(inputs.map(of)).pullback(of(gradOutput));
  const wanted = trace(inputs).pullback(gradOutput);
  wanted.forEach((array, i) =>
    expectClose(`pullback of ${name}`, given(found[i]).toNdArray(), given(array), 4 * FEW_ULP),
  );
}
