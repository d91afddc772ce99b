import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { NdArray, noGrad, Tensor } from "../../src/autograd/index.ts";
import { crossEntropy, Linear, ReLU, Sequential, SGD } from "../../src/nn/index.ts";
import { BatchNorm1d } from "../../src/norms/index.ts";
import { expectClose } from "../helpers/laws.ts";
import { decoded } from "../helpers/nnFixture.ts";
import type { EncodedArray } from "../helpers/nnFixture.ts";

interface TrainingRun {
  readonly options: { readonly lr: number; readonly momentum: number; readonly weightDecay: number };
  readonly x: EncodedArray;
  readonly labels: EncodedArray;
  readonly initialState: Readonly<Record<string, EncodedArray>>;
  readonly firstGrads: Readonly<Record<string, EncodedArray>>;
  readonly losses: EncodedArray;
  readonly finalState: Readonly<Record<string, EncodedArray>>;
  readonly evalLogits: EncodedArray;
}

const fixture: { readonly training: TrainingRun } = JSON.parse(
  readFileSync(new URL("../pytorch/nn.json", import.meta.url), "utf8"),
);
const run = fixture.training;

/** Eight steps multiply the last digits by about the condition of the problem: a hundred times PyTorch's own 1e-14. */
const AFTER_TRAINING = 1e-12;

function train({ lr, momentum, weightDecay }: TrainingRun["options"]): {
  losses: NdArray;
  model: Sequential;
  first: Map<string, NdArray>;
} {
  const model = new Sequential(new Linear(4, 5), new BatchNorm1d(5), new ReLU(), new Linear(5, 3));
  model.loadStateDict(
    Object.fromEntries(Object.entries(run.initialState).map(([key, array]) => [key, new Tensor(decoded(array))])),
  );
  const optimizer = new SGD(model.parameters(), { lr, momentum, weightDecay });
  const x = new Tensor(decoded(run.x));
  const first = new Map<string, NdArray>();
  const losses = run.losses.data.map((_, step) => {
    optimizer.zeroGrad();
    const loss = crossEntropy(model.forward(x), run.labels.data);
    loss.backward();
    if (step === 0) for (const [name, { grad }] of model.namedParameters()) if (grad) first.set(name, grad.value);
    optimizer.step();
    return loss.item();
  });
  return { losses: new NdArray(Float64Array.from(losses), [losses.length]), model, first };
}

describe("a training run", () => {
  test("has PyTorch's losses, first gradients, final state and evaluation", () => {
    const { losses, model, first } = train(run.options);
    expectClose("losses", losses, decoded(run.losses), AFTER_TRAINING);
    expect([...first.keys()]).toEqual(Object.keys(run.firstGrads));
    for (const [name, gradient] of first) {
      expectClose(`gradient of ${name}`, gradient, decoded(run.firstGrads[name] ?? run.x), AFTER_TRAINING);
    }
    const state = model.stateDict();
    expect(Object.keys(state)).toEqual(Object.keys(run.finalState));
    for (const [key, array] of Object.entries(run.finalState)) {
      expectClose(key, state[key]?.value ?? decoded(run.x), decoded(array), AFTER_TRAINING);
    }
    const logits = noGrad(() => model.eval().forward(new Tensor(decoded(run.x))));
    expectClose("logits in evaluation", logits.value, decoded(run.evalLogits), AFTER_TRAINING);
  });

  test("with another momentum is found", () => {
    const { losses } = train({ ...run.options, momentum: 0.8 });
    expect(() => expectClose("losses", losses, decoded(run.losses), AFTER_TRAINING)).toThrow("losses: expected");
  });
});
