import { describe, expect, test } from "vitest";
import { normDescriptors } from "../../src/norms/index.ts";
import { holds } from "../helpers/generators.ts";
import { extreme, normDraws, tame } from "../helpers/normDraws.ts";
import { laws } from "../helpers/normLaws.ts";
import { oracleLaws } from "../helpers/normOracleLaws.ts";
import { setsByNorm } from "../helpers/normOracles.ts";

describe.each(normDescriptors)("$name", (descriptor) => {
  test.each(Object.entries(laws))("%s", (name, law) => {if(globalThis.process.env["T"])console.log(name,performance.now());
    holds(normDraws(descriptor, tame), law);
  });

  test.each(Object.entries(oracleLaws))("%s", (_, law) => {
    holds(normDraws(descriptor, extreme), law);
  });

  test("has an oracle", () => {
    expect(Object.keys(setsByNorm)).toContain(descriptor.name);
  });
});
