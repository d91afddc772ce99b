/** A training that is saved, loaded into new objects and continued is the training without a break, to the last bit. */
import { describe, expect, test } from "vitest";
import { Adam, AdamW, BatchNorm1d, CosineAnnealingLR, crossEntropy, Generator, Linear } from "../../src/index.ts";
import { OneCycleLR, randn, ReLU, Sequential, SGD, StepLR } from "../../src/index.ts";
import type { LRScheduler, Optimizer, Tensor } from "../../src/index.ts";
import { loadCheckpoint, loadSafetensors, safetensorsMetadata, saveCheckpoint } from "../../src/io/index.ts";

interface Training {
  readonly model: Sequential;
  readonly optimizer: Pick<Optimizer<object>, "step" | "zeroGrad" | "stateDict"> & {
    loadStateDict(state: never): void;
  };
  readonly schedule: LRScheduler;
}
type Make = (model: Sequential) => Omit<Training, "model">;

const kinds: Readonly<Record<string, Make>> = {
  "SGD with momentum, StepLR": (model) => {
    const optimizer = new SGD(model.parameters(), { lr: 0.1, momentum: 0.9, nesterov: true });
    return { optimizer, schedule: new StepLR(optimizer, { stepSize: 2 }) };
  },
  "Adam with amsgrad, CosineAnnealingLR": (model) => {
    const optimizer = new Adam(model.parameters(), { lr: 0.01, amsgrad: true });
    return { optimizer, schedule: new CosineAnnealingLR(optimizer, { tMax: 9 }) };
  },
  "AdamW in two groups, OneCycleLR": (model) => {
    const [first, ...others] = model.parameters();
    const groups = [{ params: first ? [first] : [], weightDecay: 0 }, { params: others }];
    const optimizer = new AdamW(groups, { lr: 0.01 });
    return { optimizer, schedule: new OneCycleLR(optimizer, { maxLr: [0.1, 0.01], totalSteps: 9 }) };
  },
};

function training(make: Make, seed: number, dtype: "float32" | "float64"): Training {
  const generator = new Generator(seed);
  const options = { generator, dtype } as const;
  const layers = [new Linear(3, 4, options), new BatchNorm1d(4, { dtype }), new ReLU(), new Linear(4, 2, options)];
  const model = new Sequential(...layers);
  return { model, ...make(model) };
}

function run({ model, optimizer, schedule }: Training, inputs: readonly Tensor[]): number[] {
  return inputs.map((input) => {
    optimizer.zeroGrad();
    const loss = crossEntropy(model.forward(input), [0, 1, 0, 1, 1]);
    loss.backward();
    optimizer.step();
    schedule.step();
    return loss.item();
  });
}

const batches = (count: number, seed: number, dtype: "float32" | "float64"): Tensor[] => {
  const generator = new Generator(seed);
  return Array.from({ length: count }, () => randn([5, 3], { generator, dtype }));
};

describe.each(Object.entries(kinds))("a checkpoint of %s", (_, make) => {
  test.each(["float64", "float32"] as const)("goes on as if there had been no break, in %s", (dtype) => {
    const whole = training(make, 1, dtype);
    run(whole, batches(4, 2, dtype));
    const bytes = saveCheckpoint({ ...whole });
    const resumed = training(make, 9, dtype);
    loadCheckpoint(bytes, { ...resumed });
    const rest = batches(4, 3, dtype);
    expect(run(resumed, rest)).toEqual(run(whole, rest));
    expect(saveCheckpoint({ ...resumed })).toEqual(saveCheckpoint({ ...whole }));
  });
});

describe("saveCheckpoint", () => {
  const model = new Linear(2, 3);
  const optimizer = new Adam(model.parameters());

  test("writes a safetensors file, with the model under its name and metadata of the caller", () => {
    const bytes = saveCheckpoint({ model, optimizer }, { metadata: { epoch: "3" } });
    expect(Object.keys(loadSafetensors(bytes)).toSorted()).toEqual(["model.bias", "model.weight"]);
    expect(safetensorsMetadata(bytes)["epoch"]).toBe("3");
  });
});

describe("loadCheckpoint", () => {
  const model = new Linear(2, 3);
  const optimizer = new Adam(model.parameters());
  const bytes = saveCheckpoint({ model, optimizer });

  test("gives one part back, where no more is asked for", () => {
    const other = new Linear(2, 3);
    loadCheckpoint(bytes, { model: other });
    expect(other.weight.data).toEqual(model.weight.data);
  });

  test("has changed nothing if a part refuses its state", () => {
    const other = new Linear(2, 3);
    const before = saveCheckpoint({ model: other });
    const small = new Adam([other.weight]);
    expect(() => loadCheckpoint(bytes, { model: other, optimizer: small })).toThrow("expected groups of 1 parameters");
    expect(saveCheckpoint({ model: other })).toEqual(before);
  });
});
