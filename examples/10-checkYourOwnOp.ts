import { checkOp } from "normgrad/gradcheck";
import { lesson } from "./shared/lesson.ts";

const { quick, seed, heading, say, listing, table, check } = lesson(import.meta.url, {
  title: "Check your own op: find the planted bug",
  claim:
    "A backward can pass the test that everybody writes and still be wrong. Shapes, weights and options must be drawn, and the error held to a bound that is computed.",
  source: "A bug of this kind was found in a kernel of Megatron-LM: https://github.com/NVIDIA/Megatron-LM/pull/6859",
});

type Row = Float64Array;
const mean = (row: Row): number => row.reduce((a, b) => a + b, 0) / row.length;
const each = (row: Row, of: (value: number, i: number) => number): Row => row.map(of);
const at = (row: Row, i: number): number => row[i] ?? NaN;

/** LayerNorm on plain typed arrays, as it is written for speed: x̂ · weight. */
function forward(x: Row, weight: Row, eps: number): { output: Row; xhat: Row; rstd: number } {
  const centered = each(x, (value) => value - mean(x));
  const rstd = 1 / Math.sqrt(mean(each(centered, (value) => value ** 2)) + eps);
  const xhat = each(centered, (value) => value * rstd);
  return { output: each(xhat, (value, i) => value * at(weight, i)), xhat, rstd };
}

type Bug = "none" | "weight forgotten" | "mean path lost" | "n − 1" | "last cell";

/** Four bugs stand in it, of which one is switched on. Which line would you look at first? */
function backward(gradOutput: Row, x: Row, weight: Row, eps: number, bug: Bug): { x: Row; weight: Row } {
  const { xhat, rstd } = forward(x, weight, eps);
  const gradXhat = each(gradOutput, (g, i) => g * at(weight, i));
  const met = bug === "weight forgotten" ? gradOutput : gradXhat; // what the variance path takes
  const count = bug === "n − 1" ? x.length - 1 : x.length;
  const viaMean = bug === "mean path lost" ? 0 : mean(gradXhat);
  const share = each(met, (g, i) => g * at(xhat, i)).reduce((a, b) => a + b, 0) / count;
  const gradX = each(gradXhat, (g, i) => rstd * (g - viaMean - at(xhat, i) * share));
  if (bug === "last cell" && x.length > 4) gradX[x.length - 1] = 0; // a loop that takes four at a time, and stops early
  return { x: gradX, weight: each(gradOutput, (g, i) => g * at(xhat, i)) };
}

heading("The test that everybody writes");
say(`Four numbers, a weight of ones as a fresh layer has it, every gradient compared with a nudge of a millionth. The
  backward has a bug. The test passes:`);
const [x, ones, gradOutput] = [
  Float64Array.of(1, 2, 4, 8),
  Float64Array.of(1, 1, 1, 1),
  Float64Array.of(0.3, -1.2, 0.7, 0.4),
];
const wrong = backward(gradOutput, x, ones, 1e-5, "weight forgotten").x;
const nudged = each(x, (_, i) => (lossAt(i, 1e-6) - lossAt(i, -1e-6)) / 2e-6);
table(
  ["cell", "backward", "nudged"],
  Array.from(wrong, (value, i) => [`x[${i}]`, value, at(nudged, i)]),
);
check(
  "the simple test passes a wrong backward",
  wrong.every((value, i) => Math.abs(value - at(nudged, i)) < 1e-6),
);

heading("checkOp");
say(`checkOp is told the sizes, the options and the formula. It draws shapes, weights and values, compares with exact
  gradients, and shrinks what fails to the smallest case:`);
const found = run("weight forgotten");
listing(found.report);
check("checkOp finds it", found.failure !== null);

heading("Four bugs, four diagnoses");
const bugs: readonly Bug[] = ["weight forgotten", "mean path lost", "n − 1", "last cell"];
const results = bugs.map((bug) => ({ bug, failure: run(bug).failure }));
table(
  ["planted", "what checkOp says first"],
  results.map(({ bug, failure }) => {
    const [first] = failure?.diagnosis ?? [];
    return [bug, first ? `${first.fault}: ${first.evidence}` : "–"];
  }),
);
check(
  "all four are found",
  results.every(({ failure }) => failure !== null),
);

heading("And the right one");
const right = run("none");
listing(right.report);
check("without a bug it passes", right.failure === null);

function run(bug: Bug): ReturnType<typeof checkOp> {
  return checkOp(
    "layerNorm",
    {
      dims: { n: [1, 7] },
      params: { eps: [1e-5, 1] },
      inputs: ({ n }) => ({ x: [n], weight: [n] }),
      forward: ({ x, weight }, { eps }) => {
        const centered = x.center([0]);
        return centered.mul(centered.square().mean([0], true).add(eps).rsqrt()).mul(weight);
      },
      backward: (gradOutput, { x, weight }, { eps }) => backward(gradOutput, x, weight, eps, bug),
    },
    { seed, runs: quick ? 60 : 400, raiseException: false },
  );
}

/** gradOutput · output, with one x nudged. */
function lossAt(i: number, by: number): number {
  const { output } = forward(
    each(x, (value, j) => (i === j ? value + by : value)),
    ones,
    1e-5,
  );
  return each(output, (value, j) => value * at(gradOutput, j)).reduce((a, b) => a + b, 0);
}
