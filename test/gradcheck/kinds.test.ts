// @ts-nocheck: what is called here has no types, as it is in JavaScript
/** JavaScript callers have no types that tell a formula from plain code: either may stand under either name. */
import { describe, expect, test } from "vitest";
import { checkOp } from "../../src/gradcheck/index.ts";

const square = {
  formula: ({ x }) => x.square(),
  plain: ({ x }) => x.map((value) => value * value),
};
const slope = {
  formula: (gradOutput, { x }) => ({ x: gradOutput.mul(x).mul(2) }),
  plain: (gradOutput, { x }) => ({ x: gradOutput.map((g, i) => 2 * g * x[i]) }),
  "plain, in place": (gradOutput, { x }) => {
    const answer = gradOutput.slice();
    for (let i = 0; i < x.length; i++) answer[i] *= 2 * x[i];
    return [answer];
  },
};

describe.each(Object.keys(square))("the forward is a %s", (forward) => {
  // A formula needs shapes, which the values of plain code do not have.
  const fitting = Object.keys(slope).filter((kind) => forward === "formula" || kind !== "formula");
  test.each(fitting)("and the backward is %s", (backward) => {
    const domain = { dims: { n: [1, 6] }, inputs: ({ n }) => ({ x: [n] }) };
    const right = checkOp("square", { ...domain, forward: square[forward], backward: slope[backward] });
    expect(right.ok).toBe(true);
    const wrong = checkOp(
      "square",
      { ...domain, forward: square[forward], backward: (g) => ({ x: g }) },
      { raiseException: false, runs: 20 },
    );
    expect(wrong.ok).toBe(false);
  });
});

test("a formula as the backward is checked at second order through the tape", () => {
  const domain = { dims: { n: [1, 6] }, inputs: ({ n }) => ({ x: [n] }) };
  const cube = ({ x }) => x.pow(3);
  const right = (gradOutput, { x }) => ({ x: x.square().mul(3).mul(gradOutput) });
  const detached = (gradOutput, { x }) => ({ x: x.detach().square().mul(3).mul(gradOutput) });
  expect(checkOp("cube", { ...domain, forward: cube, formulaBackward: right }, { order: 2 }).ok).toBe(true);
  const { report } = checkOp(
    "cube",
    { ...domain, forward: cube, backward: detached },
    { order: 2, raiseException: false },
  );
  expect(report).toContain("second gradX is wrong");
});
