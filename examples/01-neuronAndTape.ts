import { printTape, tapeOf, tensor } from "normgrad";
import type { Tensor } from "normgrad";
import { lesson } from "./shared/lesson.ts";
import { short } from "./shared/text.ts";

const { heading, say, listing, table, check } = lesson(import.meta.url, {
  title: "One neuron and its tape",
  claim:
    "A backward pass is the chain rule, walked once from the end of a list to its beginning; it gives all derivatives for the price of one walk.",
  source:
    "Rumelhart, Hinton, Williams (1986), Learning representations by back-propagating errors, https://doi.org/10.1038/323533a0",
});

heading("Forward: a list is written");
const x = tensor([1, -2, 0.5]);
const weight = tensor([0.4, 0.1, -0.6], { requiresGrad: true });
const bias = tensor(0.2, { requiresGrad: true });

function lossOf(weight: Tensor, bias: Tensor): Tensor {
  const output = weight.mul(x).sum().add(bias).tanh();
  return output.sub(1).square(); // the neuron should have said 1
}

const loss = lossOf(weight, bias);
say(`A neuron computes tanh(weight · x + bias); its loss is the squared distance from 1, here ${short(loss.item())}.
  Every step has left a line. Where a line names %2, it takes what line 2 has made:`);
listing(printTape(loss, { names: { x, weight, bias } }));
const tape = tapeOf(loss);
const written = (input: Tensor | null): number => tape.findIndex((record) => record === input?.record); // −1: not a step
const inOrder = tape.every(({ inputs }, i) => inputs.every((input) => written(input) < i));
check("the tape has six steps, each after those that it needs", tape.length === 6 && inOrder);

heading("Backward: the list is read from its end");
say(`Each step is told what the loss changes by when its output changes by 1, and tells its inputs the same about
  themselves. It needs to know one thing only: its own derivative. The square is told 1.`);
const steps: (readonly [string, string, string])[] = [];
loss.backward(null, {
  onRecord: ({ name }, gradOutput, gradInputs) => {
    const [first] = gradInputs;
    steps.push([name, numbers(gradOutput), first ? numbers(first) : "–"]);
  },
});
table(["step", "is told", "tells its first input"], steps);
say(`tanh is told ${steps[2]?.[1]} and multiplies by 1 − tanh². The sum tells each of its three summands the same, and the
  product tells each weight its own x times what it was told.`);

heading("Is that true? Nudge and look");
say(`A derivative says by how much the loss changes when one number is nudged. So nudge each by a millionth, up and down,
  and measure: four numbers take eight more forwards. With a million weights this would be two million.`);
const gradient = [...(weight.grad?.data ?? []), bias.grad?.item() ?? NaN];
const measured = [0, 1, 2, 3].map((i) => (nudged(i, 1e-6) - nudged(i, -1e-6)) / 2e-6);
table(
  ["number", "backward", "nudged"],
  gradient.map((value, i) => [i < 3 ? `weight[${i}]` : "bias", value, measured[i] ?? NaN]),
);
check(
  "both are the same, within 1e-8",
  gradient.every((value, i) => Math.abs(value - (measured[i] ?? NaN)) < 1e-8),
);

heading("What it is good for");
const rate = 0.1;
const better = lossOf(
  tensor(weight.data.map((value, i) => value - rate * (gradient[i] ?? NaN))),
  tensor(bias.item() - rate * (gradient[3] ?? NaN)),
);
say(`A step of 0.1 against the gradient takes the loss from ${short(loss.item())} to ${short(better.item())}.
  Training is nothing but this, many times.`);
check("the loss is smaller after one step", better.item() < loss.item());

/** The loss with one of the four numbers changed. */
function nudged(which: number, by: number): number {
  const changed = weight.data.map((value, i) => (i === which ? value + by : value));
  return lossOf(tensor(changed), tensor(bias.item() + (which === 3 ? by : 0))).item();
}

function numbers({ data }: { readonly data: Iterable<number> }): string {
  return Array.from(data, short).join(", ");
}
