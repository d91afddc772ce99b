/** Checks that several norms make of their options and inputs. */
import { checkNumber } from "../autograd/checks.ts";
import { checkList, formatShape, sameShape } from "../autograd/shape.ts";
import type { Shape } from "../autograd/shape.ts";
import { checkTensor } from "../autograd/tensor.ts";
import type { Tensor } from "../autograd/tensor.ts";

/** eps, if it can be added to a variance: a finite number of at least 0. */
export function checkEps(name: string, eps: number): number {
  if (!Number.isFinite(checkNumber(name, "eps", eps)) || eps < 0) {
    throw new RangeError(`${name}: expected eps to be a finite number of at least 0, got ${String(eps)}`);
  }
  return eps;
}

/** A count of features, channels or groups. */
export function checkCount(name: string, what: string, count: number): number {
  if (!Number.isInteger(checkNumber(name, what, count)) || count < 1) {
    throw new RangeError(`${name}: expected ${what} to be a positive whole number, got ${String(count)}`);
  }
  return count;
}

/** The last dims of an input: at least one. */
export function checkNormalizedShape(name: string, normalizedShape: Shape): void {
  checkList(name, "normalizedShape", normalizedShape);
  if (normalizedShape.length === 0 || !normalizedShape.every((size) => Number.isInteger(size) && size >= 0)) {
    throw new RangeError(
      `${name}: expected normalizedShape of at least one size, in whole numbers, got ${formatShape(normalizedShape)}`,
    );
  }
}

/** An input that ends in normalizedShape, which is one. */
export function checkNormalized(name: string, { shape }: Tensor, normalizedShape: Shape): void {
  checkNormalizedShape(name, normalizedShape);
  const leading = shape.length - normalizedShape.length;
  if (normalizedShape.some((size, dim) => size !== shape[leading + dim])) {
    throw new RangeError(
      `${name}: expected input ending in normalizedShape ${formatShape(normalizedShape)}, got shape ${formatShape(shape)}`,
    );
  }
}

/** A weight or a bias, where it is given: one value for each normalized element. */
export function checkElementwise(name: string, what: string, tensor: Tensor | null, normalizedShape: Shape): void {
  if (tensor && !sameShape(checkTensor(name, what, tensor).shape, normalizedShape)) {
    throw new RangeError(
      `${name}: expected ${what} of shape normalizedShape ${formatShape(normalizedShape)}, got ${formatShape(tensor.shape)}`,
    );
  }
}

/** A layer's input, of as many channels as the layer has: `what` is numFeatures or numChannels. */
export function checkChannels(name: string, what: string, channels: number, input: Tensor, dim: number): void {
  const actual = input.shape[dim];
  if (actual !== undefined && actual !== channels) {
    throw new RangeError(
      `${name}: expected input with ${what} ${channels} channels, got shape ${formatShape(input.shape)}`,
    );
  }
}

/** Tensors with one value a channel, where they are given. */
export function checkPerChannel(
  name: string,
  channels: number,
  tensors: Readonly<Record<string, Tensor | null | undefined>>,
): void {
  for (const [what, tensor] of Object.entries(tensors)) {
    if (tensor && (checkTensor(name, what, tensor).ndim !== 1 || tensor.shape[0] !== channels)) {
      throw new RangeError(
        `${name}: expected ${what} of shape [${channels}], one value a channel, got ${formatShape(tensor.shape)}`,
      );
    }
  }
}

/** The weight of the new value in a running average. */
export function checkMomentum(name: string, momentum: number): number {
  if (!Number.isFinite(checkNumber(name, "momentum", momentum)) || momentum < 0 || momentum > 1) {
    throw new RangeError(`${name}: expected momentum, the weight of the new value, in [0, 1], got ${String(momentum)}`);
  }
  return momentum;
}

/** Mean and variance (or deviation) are moved one after the other: one tensor for both would be moved twice, and be neither. */
export function checkApart(name: string, running: Readonly<Record<string, Tensor | null>>): void {
  const [mean, other] = Object.values(running);
  if (mean && mean === other) {
    throw new TypeError(`${name}: expected two tensors as ${Object.keys(running).join(" and ")}, got one for both`);
  }
}

/** Running statistics are assigned to, and enter as constants: of the input's dtype, and without a gradient. */
export function checkRunning(
  name: string,
  input: Tensor,
  tensors: Readonly<Record<string, Tensor | null | undefined>>,
): void {
  for (const [what, tensor] of Object.entries(tensors)) {
    if (tensor && tensor.dtype !== input.dtype) {
      throw new TypeError(`${name}: expected ${what} in the input's dtype ${input.dtype}, got ${tensor.dtype}`);
    }
    if (tensor?.requiresGrad) {
      throw new TypeError(
        `${name}: expected ${what} to be a constant, got a tensor that requires a gradient; detach() it`,
      );
    }
  }
}
