import { afterEach, describe, expect, test, vi } from "vitest";
import {
  apply,
  customOp,
  getBackend,
  grad,
  setBackend,
  tensor,
  Tensor,
  withBackend,
} from "../../src/autograd/index.ts";
import type { Kernel, Rule } from "../../src/autograd/index.ts";
import { layerNorm } from "../../src/norms/index.ts";
import { choose } from "../../src/autograd/backend.ts";

type Args = readonly [Tensor];

/** Twice x by formula, and three times x by kernel, so that it shows which of them has run. */
const rule: Rule<Args> = (x) => ({ output: x.mul(2), pullback: (gradOutput) => [gradOutput.mul(2)] });
const kernel: Kernel<Args> = (x) => ({ output: x.mul(3), pullback: (gradOutput) => [gradOutput.mul(3)] });
const telltale = (x: Tensor): Tensor => apply("telltale", { rule, kernel }, x);

afterEach(() => {
  vi.unstubAllGlobals();
  setBackend("wasm");
});

describe("setBackend", () => {
  test("chooses between formula and kernel, from then on", () => {
    expect(getBackend()).toBe("wasm"); // the default, where the engine has it
    expect(telltale(tensor([1])).item()).toBe(3);
    setBackend("formula");
    expect(getBackend()).toBe("formula");
    expect(telltale(tensor([1])).item()).toBe(2);
  });

  test("a backward uses what its forward used; a second derivative is always the formula's", () => {
    const x = tensor([1], { requiresGrad: true });
    const byKernel = telltale(x).sum();
    const byFormula = withBackend("formula", () => telltale(x).sum());
    expect(grad(byKernel, [x], { retainGraph: true })[0]?.item()).toBe(3);
    expect(withBackend("formula", () => grad(byKernel, [x], { retainGraph: true }))[0]?.item()).toBe(3);
    expect(grad(byFormula, [x])[0]?.item()).toBe(2);
    expect(grad(byKernel, [x], { createGraph: true })[0]?.item()).toBe(2);
  });

  test("an op without a rule runs its kernel on every backend, and one without a kernel its rule", () => {
    const twice = customOp(
      (x) => x.map((value) => 2 * value),
      (g) => [g.map((value) => 2 * value)],
    );
    for (const name of ["formula", "typescript", "wasm"] as const) {
      expect(withBackend(name, () => twice(tensor([1])).item())).toBe(2);
      expect(withBackend(name, () => apply("double", { rule }, tensor([1])).item())).toBe(2);
    }
  });

  test("a kernel gets arrays as they are stored, whatever its rule is computed in; wide results are rounded", () => {
    const seen: string[] = [];
    const spy: Kernel<Args> = (x) => {
      seen.push(x.dtype);
      return {
        output: x.to("float64").div(3),
        pullback: (gradOutput) => {
          seen.push(gradOutput.dtype);
          return [gradOutput.to("float64").div(3)];
        },
      };
    };
    const x = tensor(Float32Array.of(1), { requiresGrad: true });
    const y = apply("third", { rule, kernel: spy, computeIn: "float64" }, x);
    y.backward();
    expect([...seen, y.dtype, x.grad?.dtype]).toEqual(["float32", "float32", "float32", "float32"]);
    expect(x.grad?.item()).toBe(Math.fround(1 / 3));
  });

  test("a backend that is not available leaves the one that is used", () => {
    setBackend("formula");
    vi.stubGlobal("WebAssembly", undefined);
    expect(() => setBackend("wasm")).toThrow(RangeError);
    expect(getBackend()).toBe("formula");
  });

  test("without WebAssembly, or where a policy forbids it, the default is TypeScript", async () => {
    const refused = {
      validate: () => true,
      Module: () => {
        throw new Error("refused by the content security policy");
      },
    };
    for (const api of [undefined, refused]) {
      vi.stubGlobal("WebAssembly", api);
      vi.resetModules();
      const fresh = await import("../../src/autograd/index.ts");
      expect(fresh.getBackend()).toBe("typescript");
      const x = fresh.tensor([[1, 2]], { requiresGrad: true });
      x.mul(x).sum().backward();
      expect(x.grad?.toArray()).toEqual([[2, 4]]);
    }
  });
});

describe("withBackend", () => {
  test("puts the backend back, after a result and after an error", () => {
    setBackend("formula");
    expect(withBackend("typescript", () => withBackend("formula", getBackend) + getBackend())).toBe(
      "formulatypescript",
    );
    expect(getBackend()).toBe("formula");
    const fail = (): never => {
      throw new Error("boom");
    };
    expect(() => withBackend("typescript", fail)).toThrow("boom");
    expect(getBackend()).toBe("formula");
  });

  test("refuses a body that returns a promise, and does not leave its rejection unhandled", () => {
    expect(() => withBackend("formula", async () => Promise.reject(new Error("boom")))).toThrow(TypeError);
    expect(getBackend()).toBe("wasm");
  });
});

test("choose answers the variant in WebAssembly on that backend, and the one in TypeScript on the others", () => {
  const chosen = (["formula", "typescript", "wasm"] as const).map((name) =>
    withBackend(name, () => choose("typescript", "wasm")),
  );
  expect(chosen).toEqual(["typescript", "typescript", "wasm"]);
});

describe("an input that is thawed between forward and backward", () => {
  test.each(["formula", "typescript", "wasm"] as const)("gets no gradient by %s, as in PyTorch", (name) => {
    for (const createGraph of [false, true]) {
      const [x, weight] = [tensor([[1, 2, 4]], { requiresGrad: true }), tensor([1, 2, 3])];
      const loss = withBackend(name, () => layerNorm(x, [3], { weight }).square().sum());
      weight.requiresGrad = true;
      loss.backward(undefined, { createGraph });
      expect(weight.grad).toBeNull();
      expect(x.grad).not.toBeNull();
    }
  });
});
