/** A case with chosen sizes and options, whose values are ordinary: what a diagnosis looks at. */
import { NdArray } from "../autograd/ndarray.ts";
import { Generator } from "../autograd/random.ts";
import { sizeOf } from "../autograd/shape.ts";
import { isAllowed, shapesOf } from "./cases.ts";
import type { Case, Domain } from "./cases.ts";
import { drawNoise } from "./generators.ts";
import type { AnySettings } from "./subject.ts";

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
    return { settings, names: [...shapes.keys()], inputs, noise: drawNoise(seed, 251), trap: "plain" };
  } catch {
    return null; // a domain may refuse sizes that it would not have drawn
  }
}
