/** Which norm is looked at: a case of one of the library's descriptors. Nothing here knows any norm. */
import { Generator, NdArray, normDescriptors, sizeOf, Tensor } from "normgrad";
import type { NormCase, NormDescriptor, Shape } from "normgrad";

/** How the four dims of the page are handed to the norm: channels second, or last. */
export type Layout = "NCHW" | "NHWC";
export type Shape4 = readonly [n: number, c: number, h: number, w: number];

export interface Choice {
  readonly norm: string;
  /** The label of the case: its options in words. */
  readonly option: string;
  readonly layout: Layout;
}

const TO_LAST = [0, 2, 3, 1];
const FROM_LAST = [0, 3, 1, 2];
const AFFINE = ["weight, bias", "weight", "bias", "no affine"];

export function descriptorOf(norm: string): NormDescriptor | undefined {
  return normDescriptors.find(({ name }) => name === norm);
}

/** The shape that the norm is given. */
export function givenShape([n, c, h, w]: Shape4, layout: Layout): Shape {
  return layout === "NCHW" ? [n, c, h, w] : [n, h, w, c];
}

export function toGiven(x: Tensor, layout: Layout): Tensor {
  return layout === "NCHW" ? x : x.permute(TO_LAST);
}

export function fromGiven(x: Tensor, layout: Layout): Tensor {
  return layout === "NCHW" ? x : x.permute(FROM_LAST);
}

let latest: { readonly key: string; readonly cases: readonly NormCase[] } = { key: "", cases: [] };

/** Asked for many times while one norm is looked at, so the last answer is kept. */
export function casesOf(norm: string, shape: Shape4, layout: Layout, eps: number): readonly NormCase[] {
  const key = [norm, shape, layout, eps].join(" ");
  if (key !== latest.key) latest = { key, cases: descriptorOf(norm)?.cases(givenShape(shape, layout), eps) ?? [] };
  return latest.cases;
}

/** A label without its parameters, and them: "numGroups 2, weight, bias" is "numGroups 2" and "weight, bias". */
export function splitLabel(label: string): readonly [rest: string, affine: string | null] {
  const affine = AFFINE.find((ending) => label === ending || label.endsWith(`, ${ending}`));
  if (affine === undefined) return [label, null];
  return [label.slice(0, Math.max(0, label.length - affine.length - 2)), affine];
}

/** The case that is called so, or the one that is most alike: with another shape some cases are no longer there. */
export function closestCase(cases: readonly NormCase[], option: string): NormCase | undefined {
  const [rest, affine] = splitLabel(option);
  const words = rest.split(/[ ,[\]]+/);
  const likeness = ({ label }: NormCase): number => {
    const [otherRest, otherAffine] = splitLabel(label);
    const others = otherRest.split(/[ ,[\]]+/);
    const shared = words.filter((word) => others.includes(word)).length;
    const size = Math.abs(words.length - others.length);
    return (label === option ? 1000 : 0) + (otherAffine === affine ? 0.5 : 0) + shared - size;
  };
  return cases.reduce<NormCase | undefined>(
    (best, each) => (best === undefined || likeness(each) > likeness(best) ? each : best),
    undefined,
  );
}

/** Whose statistics are used, as the label begins. It is never changed behind the reader's back. */
function modeOf(option: string): string {
  return /^(training|evaluation|input statistics|running statistics|unbiased|biased)\b/.exec(option)?.[0] ?? "";
}

/** The closest case of the same mode. Undefined if the library has none for the shape: it refuses such an input. */
export function caseFor(cases: readonly NormCase[], option: string): NormCase | undefined {
  const mode = modeOf(option);
  return closestCase(
    cases.filter(({ label }) => modeOf(label) === mode),
    option,
  );
}

/** The cases of a shape that has several values wherever a norm wants several. */
export function roomyCases(norm: string, [n, c, h, w]: Shape4, layout: Layout): readonly NormCase[] {
  const roomy: Shape4 = [Math.max(2, n), c, Math.max(2, h), Math.max(2, w)];
  return descriptorOf(norm)?.cases(givenShape(roomy, layout)) ?? [];
}

/** Values that parameters start with: not ones and zeros, which hide mistakes. */
export function defaultParameter(name: string, shape: Shape): readonly number[] {
  const seed = [...name].reduce((sum, letter) => sum * 31 + (letter.codePointAt(0) ?? 0), 4) % 100_000;
  const generator = new Generator(seed);
  const positive = !["bias", "shift", "meanWeight", "varWeight", "tau", "style", "runningMean"].includes(name);
  return Array.from({ length: sizeOf(shape) }, () =>
    positive ? Math.round(5 + 15 * generator.uniform()) / 10 : Math.round(10 * generator.normal()) / 10,
  );
}

/** Numbers that look like measurements, the same in every visit. */
export function defaultValues(shape: Shape4, seed: number, spread: number): readonly number[] {
  const generator = new Generator(seed);
  return Array.from({ length: sizeOf(shape) }, () => Math.round(10 * spread * generator.normal()) / 10);
}

export function toTensor(values: readonly number[], shape: Shape): Tensor {
  return new Tensor(new NdArray(Float64Array.from(values), shape));
}
