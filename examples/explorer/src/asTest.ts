/** The state as the text of a vitest test: the same call, and the numbers that it gave here. */
import { mapsOf, subjectOf } from "./model.ts";
import type { Subject } from "./model.ts";
import { runningLayer } from "./running.ts";
import type { State } from "./state.ts";
import { givenShape, splitLabel, toGiven, toTensor } from "./subject.ts";

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
  const test = `test(${JSON.stringify(`${normCase.norm}, ${normCase.label}: gradInput is the sum of its three paths`)}, () => {`;
  const arrays = [
    `  const x = tensor(${inGiven(now.x)}).reshape(${list(given)});`,
    `  const gradOutput = tensor(${inGiven(now.gradOutput)}).reshape(${list(given)});`,
  ];
  const close = [
    "  const explained = explainBackward(norm, x, gradOutput);",
    "  const close = (array: Tensor, values: readonly number[]) =>",
    "    array.data.forEach((value, i) => expect(value).toBeCloseTo(values[i] ?? NaN, 9));",
    ...expected,
    "});",
    "",
  ];
  const layer = layerOf(now, subject);
  if (layer) {
    return [
      `import { ${layer.name}, explainBackward, tensor, type Tensor } from "normgrad";`,
      'import { expect, test } from "vitest";',
      "",
      test,
      ...arrays,
      ...layer.lines,
      ...close,
    ].join("\n");
  }
  return [
    'import { explainBackward, normDescriptors, tensor, type Tensor } from "normgrad";',
    'import { expect, test } from "vitest";',
    "",
    test,
    ...arrays,
    `  const cases = normDescriptors.find(({ name }) => name === ${JSON.stringify(now.norm)})?.cases(x.shape, ${now.eps}) ?? [];`,
    `  const normCase = cases.find(({ label }) => label === ${JSON.stringify(normCase.label)});`,
    '  if (!normCase) throw new Error("expected the case to be there");',
    ...(parameters.length > 0
      ? ["  const parameters = [", ...parameters, "  ];"]
      : ["  const parameters: Tensor[] = [];"]),
    "  const norm = { normCase: () => ({ case: normCase, inputs: [x, ...parameters] }) };",
    ...close,
  ].join("\n");
}

/** With running statistics, which are the reader's: a layer that has them. One of weight and bias alone is a layer with both. */
function layerOf(
  { eps }: State,
  { case: normCase, inputs, running }: Subject,
): { readonly name: string; readonly lines: readonly string[] } | null {
  const [x] = inputs;
  if (!x || running.length === 0) return null;
  const affine = splitLabel(normCase.label)[1] !== "no affine";
  const made = runningLayer(
    normCase.norm,
    x.shape,
    { affine, eps },
    running.map(({ values }) => values),
  );
  if (!made) return null;
  const values = [
    ...running.map(({ name, values }) => [name, values] as const),
    ...normCase.inputs.slice(1).map(({ name }, i) => [name, [...(inputs[i + 1]?.data ?? [])]] as const),
  ];
  return {
    name: /new (\w+)/.exec(made.code)?.[1] ?? "",
    lines: [
      `  const norm = ${made.code};`,
      ...values.map(([name, numbers]) => `  if (norm.${name}) norm.${name}.value = tensor(${list(numbers)}).value;`),
      "  norm.eval();",
    ],
  };
}

function list(values: readonly number[]): string {
  return `[${values.join(", ")}]`;
}
