/** Clipping of gradients, as in torch.nn.utils: between `backward` and `step`. */
import { checkNumber, checkOptions } from "../autograd/checks.ts";
import { checkTensor, Tensor } from "../autograd/tensor.ts";
import { checkIterable } from "./optimizer.ts";

/**
 * Scales all gradients together so that their norm, as of one long vector, is at most `maxNorm`: by
 * min(1, maxNorm / (norm + 1e-6)). As torch.nn.utils.clip_grad_norm_.
 *
 * @param parameters one tensor or several; those without a gradient are left out
 * @param options.normType p of the norm (Σ |g|ᵖ)^(1/p); Infinity is the largest |g|. Default 2
 * @param options.errorIfNonfinite throw if the norm is NaN or infinite; otherwise every gradient becomes NaN or 0, as in
 * PyTorch. Default false
 * @returns the norm before clipping; 0 if there is no gradient
 * @throws RangeError if maxNorm is negative, normType is not positive, or see errorIfNonfinite; nothing has changed then
 * @example
 * const w = tensor([3, 4], { requiresGrad: true });
 * w.square().sum().backward(); // w.grad is [6, 8]
 * clipGradNorm([w], 1); // 10, and w.grad is now about [0.6, 0.8]
 */
export function clipGradNorm(
  parameters: Tensor | Iterable<Tensor>,
  maxNorm: number,
  options: { readonly normType?: number; readonly errorIfNonfinite?: boolean } = {},
): number {
  const { normType = 2, errorIfNonfinite = false } = checkOptions("clipGradNorm", options, [
    "normType",
    "errorIfNonfinite",
  ]);
  checkNumber("clipGradNorm", "maxNorm", maxNorm);
  checkNumber("clipGradNorm", "normType", normType);
  if (!(maxNorm >= 0)) {
    throw new RangeError(`clipGradNorm: expected maxNorm to be a number of at least 0, got ${String(maxNorm)}`);
  }
  if (!(normType > 0)) {
    throw new RangeError(`clipGradNorm: expected normType to be a positive number, got ${String(normType)}`);
  }
  const clipped = withGradients("clipGradNorm", parameters);
  const norm = totalNorm(clipped, normType);
  if (errorIfNonfinite && !Number.isFinite(norm)) {
    throw new RangeError(`clipGradNorm: expected gradients of finite norm, got ${norm}; it cannot be scaled`);
  }
  const scale = Math.min(1, maxNorm / (norm + 1e-6));
  replaceGradients(clipped, (g) => g * scale);
  return norm;
}

/**
 * Cuts every entry of every gradient to [−clipValue, clipValue]; NaN stays. As torch.nn.utils.clip_grad_value_.
 *
 * @param parameters one tensor or several; those without a gradient are left out
 * @throws RangeError if clipValue is negative
 * @example
 * const w = tensor([3, -4], { requiresGrad: true });
 * w.square().sum().backward(); // w.grad is [6, -8]
 * clipGradValue([w], 7); // w.grad is now [6, -7]
 */
export function clipGradValue(parameters: Tensor | Iterable<Tensor>, clipValue: number): void {
  checkNumber("clipGradValue", "clipValue", clipValue);
  if (!(clipValue >= 0)) {
    throw new RangeError(`clipGradValue: expected clipValue to be a number of at least 0, got ${String(clipValue)}`);
  }
  replaceGradients(withGradients("clipGradValue", parameters), (g) => Math.max(-clipValue, Math.min(clipValue, g)));
}

interface WithGradient {
  readonly parameter: Tensor;
  readonly gradient: Tensor;
}

/** Each once: a parameter that two modules share has one gradient. */
function withGradients(name: string, parameters: Tensor | Iterable<Tensor>): readonly WithGradient[] {
  if (!(parameters instanceof Tensor))
    checkIterable(name, "one tensor or several, as of model.parameters()", parameters);
  const all = new Set(parameters instanceof Tensor ? [parameters] : parameters);
  return [...all].flatMap((parameter) => {
    const { grad } = checkTensor(name, "a parameter", parameter);
    return grad ? { parameter, gradient: checkTensor(name, "a gradient", grad) } : [];
  });
}

function totalNorm(gradients: readonly WithGradient[], p: number): number {
  let total = 0;
  for (const { gradient } of gradients) {
    for (const g of gradient.data) {
      if (p === Infinity) total = Math.max(total, Math.abs(g));
      else total += p === 2 ? g * g : Math.abs(g) ** p;
    }
  }
  return p === Infinity ? total : p === 2 ? Math.sqrt(total) : total ** (1 / p);
}

function replaceGradients(gradients: readonly WithGradient[], map: (g: number) => number): void {
  for (const { parameter, gradient } of gradients) {
    parameter.grad = new Tensor(gradient.value.constant((values) => Float64Array.from(values, map)));
  }
}
