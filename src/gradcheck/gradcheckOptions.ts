/** The options of gradcheck and gradgradcheck, and whether what was given is of their kinds. */
import { checkObject } from "../autograd/checks.ts";
import { describeValue } from "../autograd/format.ts";
import { unknownOption } from "../autograd/knownOptions.ts";
import { Generator } from "../autograd/random.ts";
import { Tensor } from "../autograd/tensor.ts";
import type { Formula } from "../autograd/transforms.ts";

export interface GradcheckOptions {
  /** Step of the central differences. Default 1e-6. */
  readonly eps?: number;
  /** Largest absolute difference. Default 1e-5. */
  readonly atol?: number;
  /** Largest difference relative to the numeric derivative. Default 1e-3. */
  readonly rtol?: number;
  /** Throw on failure; with false, answer false. Default true. */
  readonly raiseException?: boolean;
  /** How far two runs of the same backward may differ. Default 0. */
  readonly nondetTol?: number;
  /** Check that a zero gradOutput gives zero gradients. Default true. */
  readonly checkUndefinedGrad?: boolean;
  /** Check that each gradient has its input's dtype. Default false. */
  readonly checkGradDtypes?: boolean;
  /** The same function, generic in the reading: its forward mode is checked too. Default: none. */
  readonly checkForwardAd?: Formula | null;
  /** Default true. */
  readonly checkBackwardAd?: boolean;
  /** Compare vᵀ·J·u for one random u and v instead of all of J. Default false. */
  readonly fastMode?: boolean;
  /** Draws u, v and gradOutput. Default: a generator seeded with 0, so that a check gives the same answer every time. */
  readonly generator?: Generator;
}

/** What is checked: a function of tensors. */
export type TensorFunction = (...inputs: readonly Tensor[]) => Tensor;

interface Kind {
  readonly is: (value: unknown) => boolean;
  readonly words: string;
}
const SIZE: Kind = { is: isNumber, words: "a number of at least 0" };
const SWITCH: Kind = { is: (value) => typeof value === "boolean", words: "true or false" };
const OPTIONS: { readonly [Key in keyof GradcheckOptions]-?: Kind } = {
  eps: { is: (value) => isNumber(value) && value > 0, words: "a number above 0" },
  atol: SIZE,
  rtol: SIZE,
  nondetTol: SIZE,
  raiseException: SWITCH,
  checkUndefinedGrad: SWITCH,
  checkGradDtypes: SWITCH,
  checkBackwardAd: SWITCH,
  fastMode: SWITCH,
  checkForwardAd: { is: (value) => value === null || typeof value === "function", words: "a function or null" },
  generator: { is: (value) => value instanceof Generator, words: "a Generator" },
};

function isNumber(value: unknown): value is number {
  return typeof value === "number" && value >= 0 && Number.isFinite(value);
}

export function checkArguments(
  name: string,
  f: TensorFunction,
  inputs: readonly Tensor[],
  options: GradcheckOptions,
): void {
  if (typeof f !== "function") {
    throw new TypeError(`${name}: expected a function of tensors, got ${describeValue(f)}`);
  }
  const odd = Array.isArray(inputs) ? inputs.find((input) => !(input instanceof Tensor)) : inputs;
  if (!Array.isArray(inputs) || odd !== undefined) {
    throw new TypeError(`${name}: expected the inputs as an array of tensors, got ${describeValue(odd)}`);
  }
  checkObject(name, "options", options);
  const kinds = new Map<string, Kind>(Object.entries(OPTIONS));
  if (name === "gradgradcheck") kinds.set("gradOutput", { is: () => true, words: "a Tensor" });
  const unknown = unknownOption(options, [...kinds.keys()]);
  if (unknown !== null) throw new TypeError(`${name}: expected ${unknown}`);
  for (const [key, value] of Object.entries(options)) {
    const kind = kinds.get(key);
    if (kind !== undefined && value !== undefined && !kind.is(value)) {
      throw new RangeError(`${name}: expected ${key} as ${kind.words}, got ${describeValue(value)}`);
    }
  }
  const narrow = inputs.findIndex((input) => input.dtype !== "float64");
  if (narrow >= 0) {
    throw new TypeError(`${name}: expected float64 inputs, got input ${narrow} in ${inputs[narrow]?.dtype}`);
  }
  if (!inputs.some((input) => input.requiresGrad)) {
    throw new RangeError(`${name}: expected an input with requiresGrad, got none of ${inputs.length}`);
  }
}
