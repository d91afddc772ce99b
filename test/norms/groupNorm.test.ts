import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Dual, sizeOf, tensor, zeros } from "../../src/autograd/index.ts";
import type { NdArray } from "../../src/autograd/index.ts";
import { GroupNorm, groupNorm, groupNormForward } from "../../src/norms/index.ts";
import { arraysOf, holds } from "../helpers/generators.ts";
import { expectClose } from "../helpers/laws.ts";
import { testFixtures } from "../helpers/normFixtureTests.ts";
import { groupNormSets } from "../helpers/normOracles.ts";

// Laws for all shapes, options and modes: descriptors.test.ts, edges.test.ts, equivalences.test.ts.

interface Call {
  readonly batch: number;
  readonly numGroups: number;
  readonly perGroup: number;
  readonly positions: readonly number[];
}

const calls = fc.record({
  batch: fc.integer({ min: 0, max: 2 }),
  numGroups: fc.integer({ min: 1, max: 3 }),
  perGroup: fc.integer({ min: 1, max: 2 }),
  positions: fc.array(fc.integer({ min: 0, max: 2 }), { maxLength: 2 }),
});

/** Exactly where PyTorch refuses: its check multiplies by the batch, although statistics are a sample's own. */
function expectRefusedAsInPyTorch(op: typeof groupNorm, { batch, numGroups, perGroup, positions }: Call): void {
  const x = zeros([batch, numGroups * perGroup, ...positions]);
  const refused = batch * perGroup * sizeOf(positions) === 1;
  if (refused) expect(() => op(x, numGroups)).toThrow(/^groupNorm: expected more than 1 value per group/);
  else expect(op(x, numGroups).shape).toEqual(x.shape);
}

describe("groupNorm", () => {
  testFixtures(
    "groupNorm",
    ({ x, weight, bias }, { numGroups = 0, eps }) => groupNorm(x, numGroups, { weight, bias, eps }),
    (shape, { numGroups = 0 }) => groupNormSets(shape, numGroups),
  );

  test("is refused if and only if the whole batch has a single value a group", () => {
    holds(calls, (call) => expectRefusedAsInPyTorch(groupNorm, call), 200);
  });

  test("… and a check that leaves the batch out is noticed", () => {
    const stricter: typeof groupNorm = (x, numGroups, options) => {
      const [, channels = 0, ...positions] = x.shape;
      if ((channels / numGroups) * sizeOf(positions) === 1)
        throw new RangeError("groupNorm: expected more than 1 value per group");
      return groupNorm(x, numGroups, options);
    };
    expect(() => holds(calls, (call) => expectRefusedAsInPyTorch(stricter, call), 200)).toThrow(/Property failed/);
  });

  test("a group is C/G consecutive channels, and the default eps is 1e-5", () => {
    const x = tensor([[[1], [3], [10], [30]]]);
    expect(groupNorm(x, 2, { eps: 0 }).data).toEqual(Float64Array.of(-1, 1, -1, 1));
    expect(groupNorm(x, 2).data).toEqual(groupNorm(x, 2, { eps: 1e-5 }).data);
    expect(groupNorm(x, 2).data).not.toEqual(groupNorm(x, 2, { eps: 0 }).data);
  });

  test("weight and bias belong to a channel, not to a group", () => {
    const x = tensor([[1, 3, 10, 30]]);
    const affine = { weight: tensor([2, 3, 5, 7]), bias: tensor([100, 200, 300, 400]), eps: 0 };
    expect(groupNorm(x, 2, affine).toArray()).toEqual([[98, 203, 295, 407]]);
    expect(() => groupNorm(x, 2, { weight: tensor([2, 3]) })).toThrow(
      new RangeError("groupNorm: expected weight of shape [4], one value a channel, got [2]"),
    );
    expect(() => groupNorm(x, 2, { bias: zeros([1, 4]) })).toThrow(
      new RangeError("groupNorm: expected bias of shape [4], one value a channel, got [1, 4]"),
    );
  });

  test("what the formula comment says of rstd and x̂ holds for a movement dx", () => {
    holds(
      arraysOf([
        [2, 6, 3],
        [2, 6, 3],
      ]),
      ([x, dx]) => {
        const { saved } = groupNormForward(new Dual(x!, dx!), null, null, { numGroups: 2, eps: 0.5 });
        const [xhat, rstd] = [saved.xhat.primal, saved.rstd.primal];
        const grouped = dx!.reshape(xhat.shape);
        const over = (array: NdArray): NdArray => array.mean([2, 3], true);
        expectClose("x̂ = rstd · P x", xhat, rstd.mul(x!.reshape(xhat.shape).center([2, 3])), 1e-14);
        const drstd = rstd
          .square()
          .mul(over(xhat.mul(grouped)))
          .neg();
        expectClose("drstd = −rstd² · ⟨x̂ dx⟩", saved.rstd.tangent, drstd, 1e-13);
        const dxhat = rstd.mul(grouped.center([2, 3])).add(drstd.div(rstd).mul(xhat));
        expectClose("dx̂ = rstd · P dx + (drstd / rstd) x̂", saved.xhat.tangent, dxhat, 1e-13);
      },
    );
  });

  test("several samples with one value a group give the bias", () => {
    expect(groupNorm(tensor([[4], [-5]]), 1, { bias: tensor([0.5]) }).toArray()).toEqual([[0.5], [0.5]]);
  });

  test.each([
    [[2, 7, 3], 3, "expected input [N, C, *] with C a multiple of numGroups 3, got shape [2, 7, 3]"],
    [[6], 3, "expected input [N, C, *] with C a multiple of numGroups 3, got shape [6]"],
    [[2, 0, 3], 3, "expected input [N, C, *] with C a multiple of numGroups 3, got shape [2, 0, 3]"],
    [[2, 6], 0, "expected numGroups to be a positive whole number, got 0"],
    [[2, 6], -2, "expected numGroups to be a positive whole number, got -2"],
    [[2, 6], 1.5, "expected numGroups to be a positive whole number, got 1.5"],
  ])("an input %j in %d groups is refused", (shape, numGroups, message) => {
    expect(() => groupNorm(zeros(shape), numGroups)).toThrow(new RangeError(`groupNorm: ${message}`));
  });

  test("a negative eps is refused", () => {
    expect(() => groupNorm(zeros([2, 6]), 3, { eps: -1 })).toThrow(/^groupNorm: expected eps .*, got -1$/);
  });
});

describe("GroupNorm", () => {
  test("starts at weight 1 and bias 0, and is then the functional op", () => {
    const norm = new GroupNorm(2, 4, { eps: 1e-3 });
    expect([norm.weight?.toArray(), norm.bias?.toArray()]).toEqual([
      [1, 1, 1, 1],
      [0, 0, 0, 0],
    ]);
    norm.loadStateDict({ weight: tensor([2, 3, 5, 7]), bias: tensor([1, 0, -1, 4]) });
    const x = tensor([[1, 3, 10, 31]]);
    const { weight, bias } = norm;
    expect(norm.forward(x).data).toEqual(groupNorm(x, 2, { weight, bias, eps: 1e-3 }).data);
    expect(norm.eval().forward(x).data).toEqual(norm.train().forward(x).data);
  });

  test.each([
    [{}, ["weight", "bias"], "GroupNorm(4, 32, eps=1e-5, affine=true)"],
    [{ affine: false, eps: 0.25 }, [], "GroupNorm(4, 32, eps=0.25, affine=false)"],
  ])("with %j its state is %j and it prints as %s", (options, keys, printed) => {
    const norm = new GroupNorm(4, 32, options);
    expect(Object.keys(norm.stateDict())).toEqual(keys);
    expect(norm.parameters()).toHaveLength(keys.length);
    expect(String(norm)).toBe(printed);
  });

  test("with dtype float32 its parameters and its output are float32", () => {
    const norm = new GroupNorm(1, 2, { dtype: "float32" });
    const y = norm.forward(tensor([[1, 3]], { dtype: "float32" }));
    expect([norm.weight?.dtype, norm.bias?.dtype, y.dtype]).toEqual(["float32", "float32", "float32"]);
  });

  test("without affine another number of channels is accepted, with it it is refused", () => {
    const x = zeros([2, 6, 3]);
    expect(new GroupNorm(2, 4, { affine: false }).forward(x).shape).toEqual([2, 6, 3]);
    expect(() => new GroupNorm(2, 4).forward(x)).toThrow(
      new RangeError("GroupNorm: expected input with numChannels 4 channels, got shape [2, 6, 3]"),
    );
  });

  test("in evaluation it refuses a single value a group as in training", () => {
    expect(() => new GroupNorm(2, 2).eval().forward(zeros([1, 2]))).toThrow(/more than 1 value per group/);
  });

  test.each([
    [3, 4, "expected numGroups to divide numChannels, got 3 and 4"],
    [0, 4, "expected numGroups to be a positive whole number, got 0"],
    [2, 0, "expected numChannels to be a positive whole number, got 0"],
  ])("%d groups of %d channels are refused", (numGroups, numChannels, message) => {
    expect(() => new GroupNorm(numGroups, numChannels)).toThrow(new RangeError(`GroupNorm: ${message}`));
  });
});
