/** A case with chosen sizes and options, whose values are ordinary: what a diagnosis looks at. */
import { NdArray } from "../autograd/ndarray.ts";
import { Generator } from "../autograd/random.ts";
import { sizeOf } from "../autograd/shape.ts";
import { isAllowed, shapesOf } from "./cases.ts";
import type { Case, Domain } from "./cases.ts";
import type { AnySettings } from "./subject.ts";

/** More than the output of any case that is looked at has; longer ones repeat it. */
const NOISE = 251;

/** Null if the domain does not allow it. */
export function plainCase(domain: Domain, settings: AnySettings, seed: number): Case | null {
  try {
    if (!isAllowed(domain, settings)) return null;
    const shapes = shapesOf(domain, settings);
    const generator = new Generator(seed);
    const inputs = Array.from(shapes.values(), ({ shape, range }) => {
      const [min, max] = range ?? [-2, 2];
      const data = Float64Array.from({ length: sizeOf(shape) }, () => min + (max - min) * generator.uniform());
      return new NdArray(data, shape).to(domain.dtypes?.[0] ?? "float64");
    });
    // Neither 0 nor small, as those of drawn cases may be: a gradOutput of 0 lets everything pass.
    const noise = Array.from({ length: NOISE }, () => (generator.uniform() < 0.5 ? -1 : 1) * (0.5 + (generator.integer(2500) + 0.5) / 1000)); // prettier-ignore
    return { settings, names: [...shapes.keys()], inputs, noise, trap: "plain" };
  } catch {
    return null; // a domain may refuse sizes that it would not have drawn
  }
}
