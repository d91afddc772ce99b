import { tensor } from "normgrad";
import { explainBackward, LayerNorm } from "normgrad/norms";
import { lesson } from "./shared/lesson.ts";

const { heading, say, table, figure, check } = lesson(import.meta.url, {
  title: "LayerNorm's backward by hand, in three terms",
  claim: "The mean and the variance depend on x, so a gradient flows through them too: three paths, which add up.",
  source: "Ba, Kiros, Hinton (2016), Layer normalization, https://arxiv.org/abs/1607.06450",
});

const EPS = 1e-5;
type Row = readonly number[];
const mean = (row: Row): number => row.reduce((a, b) => a + b, 0) / row.length;
const dot = (a: Row, b: Row): number => a.reduce((sum, value, i) => sum + value * (b[i] ?? NaN), 0);

// ── The forward: y = (x − mean) · rstd ──────────────────────────────────────────────────────────────────────────────
function forward(x: Row): { xhat: Row; rstd: number } {
  const centered = x.map((value) => value - mean(x));
  const variance = mean(centered.map((value) => value ** 2)); // biased: divided by n
  const rstd = 1 / Math.sqrt(variance + EPS); // eps inside the root
  return { xhat: centered.map((value) => value * rstd), rstd };
}

// ── The backward: x[i] reaches every y in three ways ────────────────────────────────────────────────────────────────
function backward(gradOutput: Row, x: Row): { direct: Row; viaMean: Row; viaVariance: Row; gradInput: Row } {
  const { xhat, rstd } = forward(x);
  const direct = gradOutput.map((g) => g * rstd); // its own y, as if the statistics were constants
  const viaMean = x.map(() => -mean(gradOutput) * rstd); // it moves the mean, which moves every y the other way
  const share = dot(gradOutput, xhat) / x.length;
  const viaVariance = xhat.map((value) => -value * share * rstd); // it moves the spread, which scales every y
  const gradInput = direct.map((value, i) => value + (viaMean[i] ?? NaN) + (viaVariance[i] ?? NaN));
  return { direct, viaMean, viaVariance, gradInput };
}

/** The judge, which knows no derivative: the loss is gradOutput · y, and x[i] is nudged. */
function nudged(gradOutput: Row, x: Row): number[] {
  const h = 1e-4;
  const loss = (i: number, by: number): number =>
    dot(gradOutput, forward(x.map((value, j) => (j === i ? value + by : value))).xhat);
  return x.map((_, i) => (loss(i, h) - loss(i, -h)) / (2 * h));
}

const differ = (a: Row, b: Row): number => Math.max(...a.map((value, i) => Math.abs(value - (b[i] ?? NaN))));

heading("One y is asked for: gradOutput = [1, 0, 0, 0]");
const x = [1, 2, 4, 8];
const oneHot = [1, 0, 0, 0];
const terms = backward(oneHot, x);
const measured = nudged(oneHot, x);
const rows = x.map((value, i) => [`x = ${value}`, ...parts(terms, i), measured[i] ?? NaN]);
table(["", "direct", "via mean", "via variance", "sum", "nudged"], rows);
say(`Direct hits one cell. The mean takes the same from each cell, the variance in proportion to x̂: the other three
  cells have a gradient though nobody asked for their y.`);
check("the three terms add up to what nudging measures", differ(terms.gradInput, measured) < 1e-7);
check("“treat mean and variance as constants” does not", differ(terms.direct, measured) > 0.1);

await figure(
  "terms",
  {
    width: 110,
    height: 180,
    data: {
      values: (["direct", "viaMean", "viaVariance", "gradInput"] as const).flatMap((path) =>
        terms[path].map((gradient, i) => ({ path, cell: `x${i}`, gradient })),
      ),
    },
    mark: "bar",
    encoding: {
      column: { field: "path", type: "nominal", title: null, sort: ["direct", "viaMean", "viaVariance", "gradInput"] },
      x: { field: "cell", type: "nominal", title: null, axis: { labelAngle: 0 } },
      y: { field: "gradient", type: "quantitative", title: "∂L/∂x" },
      color: { condition: { test: "datum.gradient < 0", value: "#d55e00" }, value: "#0072b2" },
    },
  },
  "Three paths from x to the loss, and their sum, for gradOutput = [1, 0, 0, 0]",
);

heading("The library does the same");
const explained = explainBackward(new LayerNorm(4, { eps: EPS }), tensor([x]), tensor([oneHot]));
const worst = (["direct", "viaMean", "viaVariance", "gradInput"] as const).map((path) =>
  differ(terms[path], [...explained[path].data]),
);
check("explainBackward has the same terms, to 15 digits", Math.max(...worst) < 1e-15);

heading("Gradients that test nothing");
const { xhat } = forward(x);
const ones = backward([1, 1, 1, 1], x);
const doubled = backward(
  xhat.map((value) => 2 * value),
  x,
);
table(
  ["loss", "direct", "via mean", "via variance", "sum"],
  [
    ["sum(y)", ...parts(ones, 0)],
    ["sum(y²)", ...parts(doubled, 0)],
  ],
);
say(`For x = 1. A loss of sum(y) has gradOutput = 1 everywhere: direct and mean cancel, and the variance has nothing to
  say. A loss of sum(y²) cancels direct against the variance but for eps. A check with one of them passes a backward
  that has lost a term: use random gradients.`);
check("sum(y) has no gradient: the y always add up to 0", differ(ones.gradInput, [0, 0, 0, 0]) < 1e-15);
check("sum(y²) has next to none", differ(doubled.gradInput, [0, 0, 0, 0]) < 1e-5);

heading("Few values");
const alone = backward([0.7], [5]);
const pair = backward([1, 0], [1, 4]);
table(
  ["x", "direct", "via mean", "via variance", "sum"],
  [
    ["[5], n = 1", ...parts(alone, 0)],
    ["[1, 4], n = 2", ...parts(pair, 0)],
  ],
);
say(`One value is its own mean: y = 0 whatever x is, and the paths cancel. Of two values one is always −1 and the other
  +1. “1 − 1 = 0” is right there, and only there: from n = 3 on, there is something left to learn from.`);
check("n = 1 has no gradient, n = 2 almost none", alone.gradInput[0] === 0 && Math.abs(pair.gradInput[0] ?? 1) < 1e-5);

function parts({ direct, viaMean, viaVariance, gradInput }: ReturnType<typeof backward>, i: number): number[] {
  return [direct, viaMean, viaVariance, gradInput].map((row) => row[i] ?? NaN);
}
