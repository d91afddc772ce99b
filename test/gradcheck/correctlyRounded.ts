/** The law of the judge: gradients by duals, rounded to doubles, are the doubles nearest to the exact ones. */
import type { Num } from "../../src/autograd/index.ts";
import type { Field } from "../../src/gradcheck/field.ts";
import { FieldArray } from "../../src/gradcheck/fieldArray.ts";
import type { NormGradients } from "./reference.ts";
import { gradientsByDuals, joinField, read } from "./trackedLaws.ts";

/** Throws at the first component that is not correctly rounded; answers how many there are. */
export function expectCorrectlyRounded<S>(
  { name, normCase, inputs, gradOutput, gradients }: NormGradients,
  field: Field<S>,
): number {
  const forward = <A extends Num<A>>(arrays: readonly A[]): A => normCase.trace(arrays).output;
  const found = gradientsByDuals(forward, read(field, inputs), FieldArray.from(field, gradOutput), joinField);
  let components = 0;
  gradients.forEach(({ data }, k) => {
    const values = found[k]?.toNdArray().data;
    data.forEach((expected, cell) => {
      components++;
      if (values?.[cell] === expected) return;
      const input = normCase.inputs[k]?.name;
      throw new Error(`${name}, ${input} at ${cell}: expected the nearest double, ${expected}, got ${values?.[cell]}`);
    });
  });
  return components;
}
