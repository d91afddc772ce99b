/** The state as the text of a vitest test: the same call, and the numbers that it gave here. */
import { mapsOf, subjectOf } from "./model.ts";
import type { State } from "./state.ts";
import { givenShape, toGiven, toTensor } from "./subject.ts";

export function asTest(now: State): string | null {
  const subject = subjectOf(now);
  if (!subject) return null;
  const { case: normCase, inputs } = subject;
  const given = givenShape(now.shape, now.layout);
  const inGiven = (values: readonly number[]): string =>
    list([...toGiven(toTensor(values, now.shape), now.layout).data]);
  const { direct, viaMean, viaVariance, gradInput } = mapsOf(now, subject);
  const parameters = inputs
    .slice(1)
    .map((input) => `    tensor(${list([...input.data])}).reshape(${list(input.shape)}),`);
  const expected = Object.entries({ direct, viaMean, viaVariance, gradInput }).map(
    ([name, values]) => `  close(explained.${name}, ${inGiven(values)});`,
  );
  return [
    'import { explainBackward, normDescriptors, tensor, type Tensor } from "normgrad";',
    'import { expect, test } from "vitest";',
    "",
    `test(${JSON.stringify(`${normCase.norm}, ${normCase.label}: gradInput is the sum of its three paths`)}, () => {`,
    `  const x = tensor(${inGiven(now.x)}).reshape(${list(given)});`,
    `  const gradOutput = tensor(${inGiven(now.gradOutput)}).reshape(${list(given)});`,
    `  const cases = normDescriptors.find(({ name }) => name === ${JSON.stringify(now.norm)})?.cases(x.shape, ${now.eps}) ?? [];`,
    `  const normCase = cases.find(({ label }) => label === ${JSON.stringify(normCase.label)});`,
    '  if (!normCase) throw new Error("expected the case to be there");',
    ...(parameters.length > 0
      ? ["  const parameters = [", ...parameters, "  ];"]
      : ["  const parameters: Tensor[] = [];"]),
    "  const norm = { normCase: () => ({ case: normCase, inputs: [x, ...parameters] }) };",
    "  const explained = explainBackward(norm, x, gradOutput);",
    "  const close = (array: Tensor, values: readonly number[]) =>",
    "    array.data.forEach((value, i) => expect(value).toBeCloseTo(values[i] ?? NaN, 9));",
    ...expected,
    "});",
    "",
  ].join("\n");
}

function list(values: readonly number[]): string {
  return `[${values.join(", ")}]`;
}
