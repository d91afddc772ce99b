/** What a norm shares and where its gradient comes from, as arrays to look at. */
import { zeros } from "../autograd/creation.ts";
import { describeValue } from "../autograd/format.ts";
import type { NdArray } from "../autograd/ndarray.ts";
import { formatShape, sameShape } from "../autograd/shape.ts";
import type { Shape } from "../autograd/shape.ts";
import { checkTensor, Tensor } from "../autograd/tensor.ts";
import type { NormCase } from "./descriptor.ts";

/**
 * What these functions look at: every `Norm`, and a layer that normalizes its weight (WeightNorm, SpectralNorm, WSConv2d),
 * which is then the input.
 */
export interface Explained<Further extends readonly unknown[] = readonly []> {
  normCase(input: Tensor, ...further: Further): { readonly case: NormCase; readonly inputs: readonly Tensor[] };
}

/**
 * For every cell of an input of this shape, row-major, the index of the set of cells with which it shares its mean and
 * variance: what the pictures of the papers colour. Where sets overlap or several are mixed (LocalResponseNorm,
 * SwitchableNorm), cells that are connected are one set. In evaluation mode, if all statistics are running ones, the sets
 * are those of the running statistics. Further inputs (a style, a condition) do not matter, and are not asked for.
 *
 * @param norm a norm layer, or one that normalizes its weight
 * @param shape of the input; of the weight where that is what is normalized
 * @throws RangeError if the norm does not take inputs of this shape
 * @example
 * normPartition(new GroupNorm(2, 4), [1, 4, 1]); // Int32Array [0, 0, 1, 1]
 * normPartition(new LayerNorm(2), [2, 2]); // Int32Array [0, 0, 1, 1]
 * normPartition(new AdaptiveInstanceNorm(), [1, 2, 2]); // Int32Array [0, 0, 1, 1]
 * normPartition(new WeightNorm(new Linear(2, 3)), [3, 2]); // Int32Array [0, 0, 1, 1, 2, 2]
 */
export function normPartition(norm: Explained, shape: Shape): Int32Array {
  return checkNorm("normPartition", norm).normCase(zeros(shape)).case.partition;
}

function checkNorm<Further extends readonly unknown[]>(name: string, norm: Explained<Further>): Explained<Further> {
  const given: { readonly normCase?: unknown } | null | undefined = norm;
  if (typeof given?.normCase === "function") return norm;
  throw new TypeError(`${name}: expected a normalization layer, as new LayerNorm(4), got ${describeValue(norm)}`);
}

/** The gradient of a norm taken apart; every array has the input's shape, those of the parameters theirs. */
export interface BackwardExplanation {
  /** ∂L/∂x through x̂, with the statistics held constant. */
  readonly direct: Tensor;
  /** ∂L/∂x through the mean. */
  readonly viaMean: Tensor;
  /** ∂L/∂x through the variance. */
  readonly viaVariance: Tensor;
  /** ∂L/∂x, as the backward computes it: the sum of the three, but for rounding. */
  readonly gradInput: Tensor;
  /** `gradients.weight` and `gradients.bias`, null where the norm has none. */
  readonly gradWeight: Tensor | null;
  readonly gradBias: Tensor | null;
  /**
   * ∂L/∂input of every input besides the first, by its name in the norm's case: weight and bias; meanWeight and varWeight
   * (SwitchableNorm), tau and epsL (FilterResponseNorm), alpha (DynamicTanh), g (WeightNorm), style, scale and shift, blend.
   */
  readonly gradients: Readonly<Record<string, Tensor>>;
  readonly output: Tensor;
}

/**
 * Where the gradient of a norm comes from: gradInput = direct + viaMean + viaVariance. Computed in float64; no tape is
 * written and no running statistic changes.
 *
 * @param norm a norm layer, in the mode that it is in, or a layer that normalizes its weight
 * @param input as its forward takes it
 * @param gradOutput ∂L/∂output, in the output's shape and dtype
 * @param further further inputs of its forward: a style, which is the input itself by default; a condition, zeros by default;
 *   styles, the first by default
 * @throws RangeError if a shape does not fit; TypeError if dtypes differ
 * @example
 * const x = tensor([[1, 2, 4, 8]]);
 * const { direct, viaMean } = explainBackward(new LayerNorm(4), x, ones([1, 4]));
 * direct.toArray(); // [[0.373, 0.373, 0.373, 0.373]]
 * viaMean.toArray(); // [[-0.373, -0.373, -0.373, -0.373]]: a gradient of ones cancels
 * explainBackward(new DynamicTanh(4), x, ones([1, 4])).gradients["alpha"]?.toArray(); // [1.9197]
 */
export function explainBackward<Further extends readonly unknown[]>(
  norm: Explained<Further>,
  input: Tensor,
  gradOutput: Tensor,
  ...further: Further
): BackwardExplanation {
  const { case: normCase, inputs } = checkNorm("explainBackward", norm).normCase(input, ...further);
  if (!sameShape(checkTensor("explainBackward", "gradOutput", gradOutput).shape, input.shape)) {
    throw new RangeError(
      `explainBackward: expected gradOutput of shape ${formatShape(input.shape)}, got ${formatShape(gradOutput.shape)}`,
    );
  }
  const dtypes = new Set([...inputs, gradOutput].map(({ dtype }) => dtype));
  if (dtypes.size > 1) {
    throw new TypeError(
      `explainBackward: expected input, parameters and gradOutput of one dtype, got ${[...dtypes].join(" and ")}: ` +
        "convert one with .to(dtype)",
    );
  }
  const trace = normCase.trace<NdArray>(inputs.map((tensor) => tensor.value.to("float64")));
  const g = gradOutput.value.to("float64").reshape(trace.output.shape);
  const { direct, viaMean, viaVariance } = trace.terms(g);
  const [gradInput = direct, ...others] = trace.pullback(g).map((gradient) => gradient ?? undefined);
  const gradients: Readonly<Record<string, Tensor>> = Object.fromEntries(
    normCase.inputs.slice(1).flatMap(({ name }, i) => {
      const gradient = others[i];
      return gradient ? [[name, new Tensor(gradient)]] : [];
    }),
  );
  const show = (array: NdArray): Tensor => new Tensor(array.reshape(input.shape));
  return {
    direct: show(direct),
    viaMean: show(viaMean),
    viaVariance: show(viaVariance),
    gradInput: show(gradInput),
    gradWeight: gradients["weight"] ?? null,
    gradBias: gradients["bias"] ?? null,
    gradients,
    output: show(trace.output),
  };
}
