import { describe, expect, test } from "vitest";
import type { Shape } from "../../src/autograd/index.ts";
import { channelPartition, channelShape, nonChannelDims } from "../../src/norms/channels.ts";

describe("the channels of a shape", () => {
  test.each<[Shape, number[], number[]]>([
    [[2, 3], [1, 3], [0]],
    [
      [2, 3, 5],
      [1, 3, 1],
      [0, 2],
    ],
    [
      [2, 3, 5, 7],
      [1, 3, 1, 1],
      [0, 2, 3],
    ],
  ])("%j: channelShape %j, nonChannelDims %j", (shape, perChannel, others) => {
    expect(channelShape(shape)).toEqual(perChannel);
    expect(nonChannelDims(shape)).toEqual(others);
  });

  test("channelPartition numbers the channels, or each sample's", () => {
    expect([...channelPartition([2, 2, 2], { perSample: false })]).toEqual([0, 0, 1, 1, 0, 0, 1, 1]);
    expect([...channelPartition([2, 2, 2], { perSample: true })]).toEqual([0, 0, 1, 1, 2, 2, 3, 3]);
    expect(channelPartition([0, 2, 2], { perSample: true })).toHaveLength(0);
    expect(channelPartition([2, 2, 0], { perSample: false })).toHaveLength(0);
  });
});
