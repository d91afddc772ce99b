/**
 * What each norm that has more than a mean and a variance of one set computes, in plain loops over doubles. Shares nothing
 * with the library. Its gradients are judged by the verifier, from the formula that is held to these values here.
 */
import { runOp } from "./normLaws.ts";
import type { Law } from "./normLaws.ts";
import type { PlainOracle } from "./oracles/oracle.ts";
import { adaptiveOracles } from "./oracles/adaptive.ts";
import { simpleOracles } from "./oracles/simple.ts";
import { switchableOracles } from "./oracles/switchable.ts";

/** By the norm's name. A new norm needs an entry here or in normOracles.ts. */
export const plainOracles: Readonly<Record<string, PlainOracle>> = {
  ...simpleOracles,
  ...switchableOracles,
  ...adaptiveOracles,
};

/** Some hundred roundings, of the largest value. */
const ROUNDING = 1e-13;

/** Data may be far from 0: oracles must subtract a cell of the set before they take a mean. */
export const outputIsOracle: Law = ({ normCase, inputs, gradOutput, eps }) => {
  const oracle = plainOracles[normCase.norm];
  if (oracle === undefined) throw new RangeError(`expected an oracle for ${normCase.norm}, got none`);
  const named = Object.fromEntries(normCase.inputs.map(({ name }, i) => [name, inputs[i]]));
  const expected = oracle(normCase, named, eps);
  const { output } = runOp(normCase, inputs, gradOutput);
  if (output.data.length !== expected.length) {
    throw new Error(`output: expected ${expected.length} values, got ${output.data.length}`);
  }
  const scale = Math.max(1e-300, ...expected.map(Math.abs));
  expected.forEach((value, i) => {
    if (!(Math.abs((output.data[i] ?? NaN) - value) <= ROUNDING * scale)) {
      throw new Error(`output: expected ${value} at ${i}, got ${output.data[i]} (${normCase.label})`);
    }
  });
};

export const plainOracleLaws: Readonly<Record<string, Law>> = {
  "the output is the plain-loop oracle's": outputIsOracle,
};
