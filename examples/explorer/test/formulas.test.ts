import katex from "katex";
import { normDescriptors, SwitchableNorm2d, Tensor, tensor } from "normgrad";
import type { NormCase } from "normgrad";
import { describe, expect, test } from "vitest";
import { formulasOf } from "../src/formulas.ts";
import { mapsOf, subjectOf } from "../src/model.ts";
import { defaultGradOutput, defaultX, initial } from "../src/state.ts";
import type { State } from "../src/state.ts";
import { casesOf } from "../src/subject.ts";

const SHAPE = [2, 4, 2, 2] as const;

/** Every case of every norm on the page, in both layouts, each once by its label. */
const all: readonly (readonly [string, NormCase, State])[] = normDescriptors.flatMap(({ name }) =>
  (["NCHW", "NHWC"] as const).flatMap((layout) =>
    casesOf(name, SHAPE, layout, 1e-5).map(
      (found) => [`${name} ${found.label}`, found, { ...initial, norm: name, option: found.label, layout }] as const,
    ),
  ),
);

describe("formulasOf", () => {
  test("has a forward and a backward for every case of every norm, and KaTeX sets them", () => {
    expect(new Set(all.map(([, , { norm }]) => norm)).size).toBe(normDescriptors.length);
    for (const [name, found] of all) {
      const formulas = formulasOf(found.norm, found.label);
      expect(formulas, name).not.toBeNull();
      for (const tex of [formulas?.forward ?? "", formulas?.backward ?? ""]) {
        const strict = (code: string): "ignore" | "error" => (code === "htmlExtension" ? "ignore" : "error");
        expect(katex.renderToString(tex, { trust: true, strict }), name).toContain("katex-mathml");
      }
    }
  });

  test("has a term in the colour of a map where the map has something in it, and only there", () => {
    for (const [name, found, state] of all) {
      const subject = subjectOf(state);
      if (!subject) throw new Error(`expected a case of ${name}`);
      const { direct, viaMean, viaVariance } = mapsOf(state, subject);
      const backward = formulasOf(found.norm, found.label)?.backward ?? "";
      const has = (path: string): boolean => backward.includes(`\\htmlClass{${path}}`);
      const isFelt = (values: readonly number[]): boolean => values.some((value) => Math.abs(value) > 1e-12);
      expect([has("direct"), has("mean"), has("variance")], name).toEqual([
        isFelt(direct),
        isFelt(viaMean),
        isFelt(viaVariance),
      ]);
    }
  });

  test("speaks of a weight and of a bias where there is one", () => {
    expect(formulasOf("groupNorm", "numGroups 2, no affine")?.forward).toContain(String.raw`y = \hat x`);
    expect(formulasOf("groupNorm", "numGroups 2, no affine")?.forward).not.toContain("w");
    expect(formulasOf("groupNorm", "numGroups 2, bias")?.forward).toMatch(/ \+ b$/);
    expect(formulasOf("filterResponseNorm", "weight, tau")?.forward).toContain(String.raw`\max(y, \tau)`);
  });

  test("is null for what is no norm", () => {
    expect(formulasOf("lairNorm", "")).toBeNull();
  });
});

/**
 * The derivation takes the unbiased mixture in steps; the page has it in one line, which no other document has:
 * −Σₖ qₖ (κ(x − μ_in) + μ_in − μₖ) ⟨r² ĝ x̂⟩ₖ, κ = M/(M − 1). Here that line, over the cells of each kind.
 */
test.each(["biased", "unbiased"] as const)("SwitchableNorm's line via variance is its map: %s", (which) => {
  const norm = new SwitchableNorm2d(4, { unbiased: which === "unbiased" });
  norm.meanWeight.value = tensor([0.3, -0.5, 0.9]).value;
  norm.varWeight.value = tensor([-0.4, 0.8, 0.1]).value;
  const x = tensor([...defaultX(SHAPE)]).reshape([...SHAPE]);
  const g = tensor([...defaultGradOutput(SHAPE)]).reshape([...SHAPE]);
  const { case: found, inputs } = norm.normCase(x);
  const { viaMean, viaVariance } = found.trace(inputs.map(({ value }) => value)).terms(g.value);

  const kinds = [
    [2, 3],
    [1, 2, 3],
    [0, 2, 3],
  ] as const;
  const mix = (weights: Tensor, moments: readonly Tensor[]): Tensor => {
    const shares = [...weights.softmax(0).data];
    return moments.map((moment, k) => moment.mul(shares[k] ?? NaN)).reduce((sum, each) => sum.add(each));
  };
  const means = kinds.map((dims) => x.mean([...dims], true));
  const [instance = x] = means;
  const kappa = which === "unbiased" ? 4 / 3 : 1;
  const variances = kinds.map((dims, k) => {
    const within = x.sub(instance).square().mul(kappa);
    return within.add(instance.sub(means[k] ?? x).square()).mean([...dims], true);
  });
  const r = mix(norm.varWeight, variances).add(1e-5).pow(-0.5);
  const xhat = x.sub(mix(norm.meanWeight, means)).mul(r);
  const line = mix(
    norm.varWeight,
    kinds.map((dims, k) =>
      x
        .sub(instance)
        .mul(kappa)
        .add(instance.sub(means[k] ?? x))
        .mul(
          r
            .square()
            .mul(g)
            .mul(xhat)
            .mean([...dims], true),
        ),
    ),
  ).neg();
  const alongMean = mix(
    norm.meanWeight,
    kinds.map((dims) =>
      g
        .mul(r)
        .mean([...dims], true)
        .expand([...SHAPE]),
    ),
  ).neg();
  const close = (got: Tensor, expected: ArrayLike<number>): void =>
    [...got.data].forEach((value, i) => expect(value).toBeCloseTo(expected[i] ?? NaN, 12));
  close(line, new Tensor(viaVariance).reshape([...SHAPE]).data);
  close(alongMean, new Tensor(viaMean).reshape([...SHAPE]).data);
});
