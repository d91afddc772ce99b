/** The layers of the library over random series of calls, and layers with planted faults of state, which are told apart. */
import { describe, expect, test } from "vitest";
import { BatchNorm1d, InstanceNorm1d } from "../../src/norms/index.ts";
import { SEED } from "../helpers/generators.ts";
import { CHANNELS } from "./loopModel.ts";
import { holdsToModel, libraryLayer, statefulLayer } from "./stateModel.ts";
import { StatefulNorm } from "./statefulNorm.ts";
import type { StatefulOptions, StateFaults } from "./statefulNorm.ts";

const ofBatchNorm: readonly StatefulOptions[] = [
  { eps: 1e-5, momentum: 0.1, perSample: false },
  { eps: 0.1, momentum: null, perSample: false },
  { eps: 1e-3, momentum: 0.75, perSample: false },
];
const ofInstanceNorm: readonly StatefulOptions[] = [
  { eps: 1e-5, momentum: 0.1, perSample: true },
  { eps: 1e-3, momentum: 0.75, perSample: true },
];
const runs = { runs: 150, seed: SEED };

describe("a layer over random series of calls is the model in plain loops", () => {
  test("BatchNorm1d", () => {
    holdsToModel(
      ({ eps, momentum }) => libraryLayer(() => new BatchNorm1d(CHANNELS, { eps, momentum })),
      ofBatchNorm,
      runs,
    );
  });

  test("InstanceNorm1d", () => {
    const make = ({ eps, momentum }: StatefulOptions): InstanceNorm1d =>
      new InstanceNorm1d(CHANNELS, { eps, trackRunningStats: true, ...(momentum !== null && { momentum }) });
    holdsToModel((options) => libraryLayer(() => make(options)), ofInstanceNorm, runs);
  });

  test.each([
    ["BatchNorm", ofBatchNorm],
    ["InstanceNorm", ofInstanceNorm],
  ])("%s of the mutants, with nothing planted", (_, options) => {
    holdsToModel((chosen) => statefulLayer(new StatefulNorm(CHANNELS, chosen)), options, runs);
  });
});

const faults: Readonly<Record<string, StateFaults>> = {
  "momentum swapped": { momentum: (momentum) => 1 - momentum },
  "biased running variance": { correction: 0 },
  "batches counted too late": { countsLate: true },
  "running statistics never updated": { neverUpdates: true },
  "running statistics updated in evaluation": { updatesInEval: true },
  "the batch's own statistics in evaluation": { ownInEval: true },
  "the running statistics in training": { runningInTraining: true },
  "statistics saved by an earlier forward": { saved: "stale" },
  "saved arrays overwritten by the next forward": { saved: "latest" },
  "running statistics kept on the tape": { attached: true },
  "a state that is not reloaded": { forgets: true },
};

describe.each([
  ["BatchNorm", ofBatchNorm],
  ["InstanceNorm", ofInstanceNorm],
])("%s is told from the model with", (name, options) => {
  const seen = Object.entries(faults).filter(([fault]) => name === "BatchNorm" || fault !== "batches counted too late");

  test.each(seen)("%s", (_, planted) => {
    const make = (chosen: StatefulOptions) => statefulLayer(new StatefulNorm(CHANNELS, chosen, planted));
    expect(() => holdsToModel(make, options, runs)).toThrow(/Property failed/);
  });
});
