/** The ways in which a mutant is planted: in the backward, in the forward, at second order, in an op of its own. */
import { apply, grad, NdArray, Tensor } from "../../src/autograd/index.ts";
import type { FloatArray, Num, Traced } from "../../src/autograd/index.ts";
import type { Domain, NormName, Options, Own, Setting, Spec, Specimen } from "./mutant.ts";
import { at } from "./domain.ts";
import type { Change } from "./domain.ts";
import { norms } from "./norms.ts";

type Formula = <A extends Num<A>>(inputs: readonly A[], setting: Setting) => A;
export type Op = (inputs: readonly Tensor[], setting: Setting) => Tensor;
type Make = (norm: NormName) => Specimen;

/** Inputs by name, as checkOp hands them over, in the domain's order. */
function inOrder<T>(domain: Domain, setting: Setting, inputs: Readonly<Record<string, T>>): T[] {
  return Object.keys(domain.shapes(setting)).flatMap((name) => inputs[name] ?? []);
}

/** The domain as checkOp takes it. */
function specOf(domain: Domain): Pick<Spec, "dims" | "params" | "where" | "inputs"> {
  const { dims, params, where, shapes } = domain;
  return {
    dims,
    params,
    where,
    inputs: (setting) => {
      const [x = "x"] = Object.keys(shapes(setting));
      const inputs = shapes(setting);
      return setting.tiny ? { ...inputs, [x]: { shape: inputs[x] ?? [], range: [-1e-7, 1e-7] } } : inputs;
    },
  };
}

const changeAt = (change: Change | ((setting: Setting) => Change), setting: Setting): Change =>
  typeof change === "function" ? change(setting) : change;

/** The forward is right, the backward plain code that is not. A function where the change depends on the case. */
export function inBackward(change: Change | ((setting: Setting) => Change)): Make {
  return (norm) => {
    const { domain, forward, trace, usual } = norms[norm];
    const own: Own = {
      value: forward,
      gradients: (inputs, setting) => trace(inputs, setting, changeAt(change, setting)).pullback,
    };
    return {
      domain,
      usual,
      own,
      spec: {
        ...specOf(domain),
        forward: (inputs, setting) => forward(inOrder(domain, setting, inputs), setting),
        backward: (gradOutput, inputs, setting): (FloatArray | null)[] => {
          const shapes = Object.values(domain.shapes(setting));
          const arrays = inOrder(domain, setting, inputs).map((data, i) => new NdArray(data, at(shapes, i)));
          const gradients = own.gradients(arrays, setting)(new NdArray(gradOutput, at(shapes, 0)));
          return gradients.map((gradient) => gradient && gradient.data);
        },
      },
    };
  };
}

/** The forward is wrong, and its backward follows it: only its value can show it. */
export function inForward(change: Change | ((setting: Setting) => Change)): Make {
  return (norm) =>
    asOp(norm, (inputs, setting) => norms[norm].trace(inputs, setting, changeAt(change, setting)).output);
}

/** Right at first order; its backward has another derivative than the right one. */
export function atSecondOrder(change: Change): Make {
  return (norm) => {
    const specimen = asOp(norm, (inputs, setting) => {
      const rule = <A extends Num<A>>(...arrays: readonly A[]): Traced<A> => norms[norm].trace(arrays, setting, change);
      return apply("mutant", { rule }, ...inputs);
    });
    return { ...specimen, second: secondOf(specimen.spec.op, specimen.domain) };
  };
}

/** An op on tensors under the norm's own formula, or under another. `own` is what the other designs are shown of it. */
export function asOp(
  norm: NormName,
  op: Op,
  under: { readonly domain: Domain; readonly forward: Formula; readonly usual: Options } = norms[norm],
  own: Op = op,
): Specimen {
  const { domain, forward, usual } = under;
  return {
    domain,
    usual,
    own: {
      value: (inputs, setting) => own(tensors(inputs, false), setting).value,
      gradients: (inputs, setting) => {
        const leaves = tensors(inputs, true);
        return backwardOf(own(leaves, setting), leaves);
      },
    },
    spec: {
      ...specOf(domain),
      forward: (inputs, setting) => forward(inOrder(domain, setting, inputs), setting),
      op: (inputs, setting) => op(inOrder(domain, setting, inputs), setting),
    },
  };
}

const tensors = (inputs: readonly NdArray[], requiresGrad: boolean): Tensor[] =>
  inputs.map((input) => new Tensor(input, requiresGrad));

function backwardOf(output: Tensor, leaves: readonly Tensor[]): (gradOutput: NdArray) => readonly (NdArray | null)[] {
  if (!output.requiresGrad) return () => leaves.map(() => null);
  return (gradOutput) => {
    const options = { gradOutput: new Tensor(gradOutput), allowUnused: true, retainGraph: true } as const;
    return grad(output, leaves, options).map((gradient) => gradient && gradient.value);
  };
}

/** The gradients as a function of the inputs and, last, of gradOutput; flat, one after the other. */
function secondOf(op: Specimen["spec"]["op"], domain: Domain): Own {
  if (op === undefined) throw new TypeError("secondOf: expected an op");
  const gradients = (all: readonly Tensor[], setting: Setting): Tensor => {
    const [gradOutput, ...rest] = all.toReversed();
    const leaves = rest.toReversed();
    const names = Object.keys(domain.shapes(setting));
    const output = op(Object.fromEntries(names.map((name, i) => [name, at(leaves, i)])), setting);
    const found = grad(output, leaves, { ...(gradOutput && { gradOutput }), createGraph: true });
    const [first, ...others] = found.map((gradient) => gradient.reshape([gradient.numel]));
    if (first === undefined) throw new RangeError("secondOf: expected inputs");
    return first.concat(others, 0);
  };
  return {
    value: (inputs, setting) => gradients(tensors(inputs, true), setting).value,
    gradients: (inputs, setting) => {
      const leaves = tensors(inputs, true);
      return backwardOf(gradients(leaves, setting), leaves);
    },
  };
}
