/** Tensor: arrays that write the tape. */
import { argmax } from "../kernels/argmax.ts";
import { geluKernel, reluKernel, sigmoidKernel, tanhKernel } from "./activations.ts";
import { getBackend } from "./backend.ts";
import { checkNumber, checkOptions } from "./checks.ts";
import { describeValue, formatArray } from "./format.ts";
import { NdArray } from "./ndarray.ts";
import type { Dtype, FloatArray } from "./ndarray.ts";
import { Num } from "./num.ts";
import type { Index, Values, VarianceOptions } from "./num.ts";
import * as rules from "./rules.ts";
import { checkList, formatShape, inferShape, normalizeDim, sameShape, sizeOf } from "./shape.ts";
import type { Shape } from "./shape.ts";
import { isGradEnabled, sourceOf, sweep, tapeOf, TapeRecord, withGrad } from "./tape.ts";
import type { Attributes, Kernel, Lift, Pullback, Rule, Source, Taped, Traced } from "./tape.ts";

/** An input of an op: a tensor, or null for an optional one that was left out. */
export type Arg = Tensor | null;

export interface BackwardOptions {
  /** Keep the tape for another backward. Default: `createGraph`. */
  readonly retainGraph?: boolean;
  /** Write the tape of the backward itself, so that gradients can be differentiated again. Default false. */
  readonly createGraph?: boolean;
  /** Called after each record of the sweep, for a page or a debugger that shows it. */
  readonly onRecord?: (
    record: TapeRecord<Tensor>,
    gradOutput: NdArray | Tensor,
    gradInputs: readonly (NdArray | Tensor | null)[],
  ) => void;
}

/**
 * An array of numbers that remembers how it was computed. Make one with `tensor`, `zeros`, `randn`, …
 *
 * Values are immutable: an op answers a new tensor. An optimizer assigns a new array to `value`.
 *
 * @param value kept, not copied
 * @param requiresGrad default false
 * @throws TypeError if `value` is no NdArray
 * @example
 * const x = new Tensor(new NdArray(Float64Array.of(1, 2), [2]), true);
 * x.square().sum().backward();
 * x.grad?.toArray(); // [2, 4]
 */
export class Tensor extends Num<Tensor> implements Taped<Tensor> {
  /** The step of the tape that made it; null for a leaf. */
  readonly record: TapeRecord<Tensor> | null;
  /** The gradient that `backward` has accumulated; null before. Set it to null to start anew. */
  grad: Tensor | null = null;
  #value: NdArray;
  #requiresGrad: boolean;

  static {
    // console.log(tensor) in Node prints the values.
    Object.defineProperty(this.prototype, Symbol.for("nodejs.util.inspect.custom"), { value: this.prototype.toString });
  }

  constructor(value: NdArray, requiresGrad = false, record: TapeRecord<Tensor> | null = null) {
    super();
    this.#value = checkNdArray("Tensor", value);
    this.#requiresGrad = requiresGrad;
    this.record = record;
  }

  /** The plain array. Assigning one of the same shape and dtype replaces the values of a leaf. */
  get value(): NdArray {
    return this.#value;
  }

  set value(value: NdArray) {
    if (this.record !== null) {
      throw new TypeError(`value: expected a leaf, got the output of ${this.record.name}; detach() it first`);
    }
    if (checkNdArray("value", value).dtype !== this.dtype) {
      throw new TypeError(`value: expected dtype ${this.dtype}, got ${value.dtype}`);
    }
    if (!sameShape(value.shape, this.shape)) {
      throw new RangeError(`value: expected shape ${formatShape(this.shape)}, got ${formatShape(value.shape)}`);
    }
    this.#value = value;
  }

  get shape(): Shape {
    return this.#value.shape;
  }

  get dtype(): Dtype {
    return this.#value.dtype;
  }

  /** The values in row-major order. Not to be written to: arrays are shared. */
  get data(): FloatArray {
    return this.#value.data;
  }

  get numel(): number {
    return this.data.length;
  }

  get requiresGrad(): boolean {
    return this.#requiresGrad;
  }

  set requiresGrad(requiresGrad: boolean) {
    if (this.record !== null) {
      throw new TypeError(`requiresGrad: expected a leaf, got the output of ${this.record.name}; detach() it first`);
    }
    this.#requiresGrad = requiresGrad;
  }

  /** The only value, as a number. */
  item(): number {
    const [value] = this.data;
    if (value === undefined || this.numel !== 1) {
      throw new RangeError(`item: expected a tensor of one value, got shape ${formatShape(this.shape)}`);
    }
    return value;
  }

  /** Nested arrays, as `tensor` takes them; a number for a tensor without dims. */
  toArray(): NestedArray {
    const build = (dim: number, offset: number, size: number): NestedArray => {
      const count = this.shape[dim];
      if (count === undefined) return this.data[offset] ?? NaN;
      const stride = count === 0 ? 0 : size / count;
      return Array.from({ length: count }, (_, i) => build(dim + 1, offset + i * stride, stride));
    };
    return build(0, 0, this.numel);
  }

  /** What JSON.stringify writes: the numbers of `toArray`, without dtype, gradient and tape. Files: see `normgrad/io`. */
  toJSON(): NestedArray {
    return this.toArray();
  }

  /**
   * Where along `dim` the largest value stands, for each of the other positions in row-major order; the first of equal
   * ones, and the first NaN. Whole numbers, which have no derivative: an Int32Array, and not a tensor as in PyTorch.
   *
   * @throws RangeError if there is no such dim, or no value along it
   * @example
   * const logits = tensor([[1, 3, 2], [4, 0, 0]]);
   * const labels = [1, 2];
   * const predicted = logits.argmax(1); // Int32Array [1, 0]
   * labels.filter((label, i) => label === predicted[i]).length / labels.length; // 0.5, the accuracy
   */
  argmax(dim: number): Int32Array {
    const along = normalizeDim(dim, this.ndim, "argmax");
    const size = this.shape[along] ?? 0;
    if (size === 0) {
      throw new RangeError(
        `argmax: expected at least one value along dim ${dim}, got shape ${formatShape(this.shape)}`,
      );
    }
    return argmax(this.data, sizeOf(this.shape.slice(0, along)), size, sizeOf(this.shape.slice(along + 1)));
  }

  override toString(): string {
    const gradient = this.record ? `, from ${this.record.name}` : this.requiresGrad ? ", requiresGrad" : "";
    return `tensor(${formatArray(this.data, this.shape, 7)}, shape ${formatShape(this.shape)}, ${this.dtype}${gradient})`;
  }

  /**
   * Adds ∂this/∂leaf to the `.grad` of every leaf that requires a gradient.
   *
   * @param gradOutput ∂L/∂this, in this tensor's shape; may be left out for a single value, where it is 1
   * @throws Error if this does not require a gradient, or the tape was consumed by an earlier backward; nothing changed
   * @example
   * const x = tensor([1, 2, 3], { requiresGrad: true });
   * x.square().sum().backward();
   * x.grad?.toArray(); // [2, 4, 6]
   */
  backward(gradOutput?: Tensor | null, options: BackwardOptions = {}): void {
    if (gradOutput) checkTensor("backward", "gradOutput, which comes before the options,", gradOutput);
    const tape = tapeOf<Tensor>(this);
    checkOptions("backward", options, BACKWARD_OPTIONS);
    const gradients = sweepFrom("backward", this, tape, gradOutput ?? null, options, NONE);
    const targets: Tensor[] = [];
    const written: Tensor[] = [];
    for (const [source, gradient] of gradients) {
      const target = source instanceof TapeRecord ? source.retained : source;
      if (target === null) continue;
      targets.push(target);
      written.push(target.grad ? accumulate(target.grad, gradient) : ownGrad(gradient));
    }
    targets.forEach((target, i) => (target.grad = written[i] ?? null));
    if (!keepsGraph(options)) for (const record of tape) record.consume();
  }

  /** Asks that `backward` writes `.grad` of this computed tensor too. Does nothing to a leaf. */
  retainGrad(): void {
    if (!this.requiresGrad) {
      throw new Error(`retainGrad: expected a tensor that requires a gradient, got ${String(this)}`);
    }
    if (this.record) this.record.retained = this;
  }

  protected override self(): Tensor {
    return this;
  }

  // ── Ops, one record each ────────────────────────────────────────────────────────────────────────────────────────
  override add(other: Tensor | number): Tensor {
    if (typeof other === "number") return apply("add", { rule: rules.addNumber(other), attributes: { other } }, this);
    return apply("add", { rule: rules.add }, this, checkTensor("add", "the other operand", other));
  }

  override sub(other: Tensor | number): Tensor {
    if (typeof other === "number") return apply("sub", { rule: rules.addNumber(-other), attributes: { other } }, this);
    return apply("sub", { rule: rules.sub }, this, checkTensor("sub", "the other operand", other));
  }

  override mul(other: Tensor | number): Tensor {
    if (typeof other === "number") return apply("mul", { rule: rules.mulNumber(other), attributes: { other } }, this);
    return apply("mul", { rule: rules.mul }, this, checkTensor("mul", "the other operand", other));
  }

  override div(other: Tensor | number): Tensor {
    if (typeof other === "number") return apply("div", { rule: rules.divNumber(other), attributes: { other } }, this);
    return apply("div", { rule: rules.div }, this, checkTensor("div", "the other operand", other));
  }

  override pow(exponent: number): Tensor {
    checkNumber("pow", "the exponent", exponent);
    return apply("pow", { rule: rules.pow(exponent), attributes: { exponent } }, this);
  }

  override neg(): Tensor {
    return apply("neg", { rule: rules.neg }, this);
  }

  override square(): Tensor {
    return apply("square", { rule: rules.square }, this);
  }

  override sqrt(): Tensor {
    return apply("sqrt", { rule: rules.sqrt }, this);
  }

  override rsqrt(): Tensor {
    return apply("rsqrt", { rule: rules.rsqrt }, this);
  }

  override rsqrtOrZero(): Tensor {
    return apply("rsqrtOrZero", { rule: rules.rsqrtOrZero }, this);
  }

  override exp(): Tensor {
    return apply("exp", { rule: rules.exp }, this);
  }

  override log(): Tensor {
    return apply("log", { rule: rules.log }, this);
  }

  override tanh(): Tensor {
    return apply("tanh", { rule: rules.tanh, kernel: tanhKernel }, this);
  }

  override erf(): Tensor {
    return apply("erf", { rule: rules.erf }, this);
  }

  override sigmoid(): Tensor {
    return apply("sigmoid", { rule: rules.sigmoid, kernel: sigmoidKernel }, this);
  }

  override gelu(): Tensor {
    return apply("gelu", { rule: rules.gelu, kernel: geluKernel }, this);
  }

  override relu(): Tensor {
    return apply("relu", { rule: rules.relu, kernel: reluKernel }, this);
  }

  override abs(): Tensor {
    return apply("abs", { rule: rules.abs }, this);
  }

  override clamp(min: number, max: number): Tensor {
    return apply("clamp", { rule: rules.clamp(min, max), attributes: { min, max } }, this);
  }

  override sum(dims?: readonly number[], keepdim = false): Tensor {
    const over = ownDims("sum", dims);
    return apply("sum", { rule: rules.sum(over, keepdim), attributes: reduction(over, keepdim) }, this);
  }

  override mean(dims?: readonly number[], keepdim = false): Tensor {
    const over = ownDims("mean", dims);
    return apply("mean", { rule: rules.mean(over, keepdim), attributes: reduction(over, keepdim) }, this);
  }

  override variance(dims?: readonly number[], options: VarianceOptions = {}): Tensor {
    const { correction = 1, keepdim = false } = checkOptions("variance", options, ["correction", "keepdim"]);
    const over = ownDims("variance", dims);
    const attributes = { ...reduction(over, keepdim), correction };
    return apply("variance", { rule: rules.variance(over, correction, keepdim), attributes }, this);
  }

  override center(dims: readonly number[]): Tensor {
    const over = [...checkList("center", "dims", dims)];
    return apply("center", { rule: rules.center(over), attributes: { dims: over } }, this);
  }

  override softmax(dim: number): Tensor {
    return apply("softmax", { rule: rules.softmax(dim), attributes: { dim } }, this);
  }

  override logSoftmax(dim: number): Tensor {
    return apply("logSoftmax", { rule: rules.logSoftmax(dim), attributes: { dim } }, this);
  }

  override reshape(shape: Shape): Tensor {
    const inferred = inferShape(shape, this.numel, "reshape");
    if (sameShape(inferred, this.shape)) return this;
    return apply("reshape", { rule: rules.reshape(inferred), attributes: { shape: inferred } }, this);
  }

  override permute(dims: readonly number[]): Tensor {
    const order = [...checkList("permute", "dims", dims)];
    return apply("permute", { rule: rules.permute(order), attributes: { dims: order } }, this);
  }

  override expand(shape: Shape): Tensor {
    if (sameShape(checkList("expand", "a shape", shape), this.shape)) return this;
    const wide = [...shape];
    return apply("expand", { rule: rules.expand(wide), attributes: { shape: wide } }, this);
  }

  override concat(others: readonly Tensor[], dim: number): Tensor {
    const inputs: readonly Tensor[] = [this, ...checkList("concat", "the others", others)];
    return apply("concat", { rule: rules.concat(dim), attributes: { dim } }, ...inputs);
  }

  override take(index: Index): Tensor {
    const cells = (typeof index === "function" ? index(this.data) : index).slice(); // the caller may reuse the array
    return this.gather("take", cells, [cells.length], { index: cells });
  }

  override putAdd(index: Int32Array, length: number): Tensor {
    const cells = index.slice();
    return apply("putAdd", { rule: rules.putAdd(cells, length), attributes: { index: cells, length } }, this);
  }

  override constant(make: (values: Values) => ArrayLike<number>, shape?: Shape): Tensor {
    return new Tensor(this.value.constant(make, shape));
  }

  /** A tensor of the same values that is off the tape: no gradient flows through it. */
  override detach(): Tensor {
    return new Tensor(this.value);
  }

  /** The same values in another dtype; its gradient is converted back. */
  to(dtype: Dtype): Tensor {
    if (dtype === this.dtype) return this;
    const pullback: Pullback<NdArray> = (g) => [g.to(this.dtype)];
    return write("to", { dtype }, [this], this.value.to(dtype), pullback, () => (g) => [g.to(this.dtype)]);
  }

  override matmul(other: Tensor): Tensor {
    return super.matmul(checkTensor("matmul", "the other factor", other));
  }

  protected override batchedMatmul(other: Tensor): Tensor {
    return apply("matmul", { rule: rules.matmul }, this, other);
  }

  protected override gather(name: string, index: Index, shape: Shape, attributes: Attributes = {}): Tensor {
    return apply(name, { rule: rules.gather(index, shape), attributes }, this);
  }
}

/** Numbers, nested as deep as there are dims. */
export type NestedArray = number | readonly NestedArray[];

/** A copy, since the caller may reuse the array before the backward reads it. */
function ownDims(name: string, dims: readonly number[] | undefined): readonly number[] | undefined {
  return dims && [...checkList(name, "dims", dims)];
}

function reduction(dims: readonly number[] | undefined, keepdim: boolean): Attributes {
  return { ...(dims && { dims }), ...(keepdim && { keepdim }) };
}

// ── Applying an op ────────────────────────────────────────────────────────────────────────────────────────────────────

/** How an op computes. Either `rule` or `kernel` must be there; without a rule it has no second derivative. */
export interface Op<Args extends readonly Arg[]> {
  /** The definition, generic in the reading. */
  readonly rule?: Rule<Args>;
  /** The same function on plain arrays, fast. It runs instead of the rule, unless the backend is "formula". */
  readonly kernel?: Kernel<Args>;
  /**
   * Widens float32 inputs and gradOutput of the rule, and rounds the output and the gradients once. A kernel gets arrays as
   * they are stored, and sees to this itself: what it answers in float64 is rounded.
   */
  readonly computeIn?: "float64";
  /** Options to show on the printed tape. */
  readonly attributes?: Attributes;
  /** Receives `aux` of the first run, once, after the record is written. A rule itself must not change anything. */
  readonly commit?: (aux: readonly NdArray[]) => void;
}

/**
 * Runs an op on tensors and, if one of them requires a gradient, writes its record on the tape. This is how every op of
 * the library is made, and the way to add one.
 *
 * @param name as the tape prints it
 * @param inputs tensors of one dtype, and null for an optional one that is left out
 * @throws TypeError if something else is among them, or the dtypes differ
 * @example
 * const rule: Rule<readonly [Tensor]> = (x) => ({ output: x.mul(2), pullback: (gradOutput) => [gradOutput.mul(2)] });
 * const double = (x: Tensor): Tensor => apply("double", { rule }, x);
 */
export function apply<const Args extends readonly Arg[]>(name: string, op: Op<Args>, ...inputs: Args): Tensor {
  const dtype = commonDtype(name, inputs);
  const wide = op.computeIn ?? dtype;
  const values = inputs.map((input) => input && input.value);
  const kernel = getBackend() === "formula" && op.rule ? undefined : op.kernel;
  const run = kernel ?? op.rule;
  if (run === undefined) throw new TypeError(`${name}: expected an op with a rule or a kernel, got neither`);
  const taken = kernel ? dtype : wide;
  const widened = taken === dtype ? values : values.map((value) => value && value.to(taken));
  const traced: Traced<NdArray> = run(...lift<Args, NdArray>(widened));
  const { pullback: pull } = traced; // alone, so that a record does not keep its output alive
  const pullback: Pullback<NdArray> = (gradOutput) => pull(gradOutput.to(taken)).map((g) => g && g.to(dtype));
  const replay = (): Pullback<Tensor> => {
    if (op.rule === undefined) {
      throw new Error(`${name}: expected an op with a rule to differentiate twice, got one with plain numbers only`);
    }
    if (inputs.some((input, i) => input && input.value !== values[i])) {
      throw new Error(
        `${name}: expected inputs as they were in the forward pass, got one whose value was replaced since; ` +
          "run the forward again before asking for a second derivative",
      );
    }
    const again: Traced<Tensor> = op.rule(...lift<Args, Tensor>(inputs.map((input) => input && input.to(wide))));
    return (gradOutput) => again.pullback(gradOutput.to(wide)).map((g) => g && g.to(dtype));
  };
  const output = write(name, op.attributes ?? {}, inputs, traced.output.to(dtype), pullback, replay);
  if (traced.aux !== undefined) op.commit?.(traced.aux);
  return output;
}

function commonDtype(name: string, inputs: readonly Arg[]): Dtype {
  let dtype: Dtype | null = null;
  for (let i = 0; i < inputs.length; i++) {
    const input = inputs[i];
    if (input === null) continue;
    if (!(input instanceof Tensor)) throw noTensor(name, `input ${i}`, input);
    if (dtype !== null && input.dtype !== dtype) {
      throw new TypeError(
        `${name}: expected inputs of one dtype, got ${dtype} and ${input.dtype}: convert one with .to(dtype)`,
      );
    }
    dtype = input.dtype;
  }
  return dtype ?? "float64";
}

/** What an op expects of callers in JavaScript, too: a plain array would give NaN, or fail deep inside. */
export function checkTensor(name: string, what: string, value: Tensor): Tensor {
  if (value instanceof Tensor) return value;
  throw noTensor(name, what, value);
}

function noTensor(name: string, what: string, value: unknown): TypeError {
  return new TypeError(`${name}: expected ${what} to be a tensor, got ${describeValue(value)}`);
}

function checkNdArray(name: string, value: NdArray): NdArray {
  if (value instanceof NdArray) return value;
  throw new TypeError(`${name}: expected an NdArray, as the value of a tensor is, got ${describeValue(value)}`);
}

/** Mapping over a tuple answers an array; that it kept length and nulls is not for the compiler to see. */
function lift<Args extends readonly Arg[], A>(inputs: readonly (A | null)[]): Lift<Args, A> {
  return inputs as Lift<Args, A>;
}

function write(
  name: string,
  attributes: Attributes,
  inputs: readonly Arg[],
  output: NdArray,
  pullback: Pullback<NdArray>,
  replay: () => Pullback<Tensor>,
): Tensor {
  if (!isGradEnabled() || !inputs.some((input) => input?.requiresGrad)) return new Tensor(output);
  return new Tensor(output, true, new TapeRecord(name, output.shape, inputs, attributes, pullback, replay));
}

// ── Gradients ─────────────────────────────────────────────────────────────────────────────────────────────────────────

export interface GradOptions extends BackwardOptions {
  /** ∂L/∂output, in its shape. May be left out for a single value, where it is 1. */
  readonly gradOutput?: Tensor;
  /** Answer null for an input that the output does not depend on, instead of throwing. Default false. */
  readonly allowUnused?: boolean;
}

/**
 * ∂output/∂input for each input, leaves and intermediates alike; no `.grad` changes. As torch.autograd.grad.
 *
 * @throws Error if an input does not take part in `output` (see `allowUnused`), or the tape was consumed
 * @example
 * const x = tensor(3, { requiresGrad: true });
 * const [slope] = grad(x.pow(3), [x], { createGraph: true }); // 27
 * const [curvature] = grad(slope, [x]); // 18
 */
export function grad(
  output: Tensor,
  inputs: readonly Tensor[],
  options: GradOptions & { readonly allowUnused: true },
): (Tensor | null)[];
export function grad(output: Tensor, inputs: readonly Tensor[], options?: GradOptions): Tensor[];
export function grad(output: Tensor, inputs: readonly Tensor[], options: GradOptions = {}): (Tensor | null)[] {
  return gradFor("grad", output, inputs, options);
}

/** `grad` on behalf of `caller`, whom its errors name. */
export function gradFor(
  caller: string,
  output: Tensor,
  inputs: readonly Tensor[],
  options: GradOptions,
): (Tensor | null)[] {
  checkTensor(caller, "output", output);
  checkList(caller, "inputs", inputs).forEach((input, i) => checkTensor(caller, `inputs[${i}]`, input));
  const tape = tapeOf(output);
  const wanted = new Set(inputs.flatMap((input) => input.record ?? []));
  const { gradOutput = null } = checkOptions(caller, options, GRAD_OPTIONS);
  if (gradOutput) checkTensor(caller, "gradOutput", gradOutput);
  const gradients = sweepFrom(caller, output, tape, gradOutput, options, wanted);
  const answers = inputs.map((input, i) => {
    const gradient = gradients.get(sourceOf(input));
    if (gradient !== undefined) return gradient instanceof Tensor ? gradient : new Tensor(gradient);
    if (options.allowUnused) return null;
    throw new Error(
      `${caller}: expected inputs that the output depends on, got input ${i} of shape ${formatShape(input.shape)} that it does ` +
        `not${input.requiresGrad ? "" : " (it does not require a gradient)"}; pass { allowUnused: true } for null`,
    );
  });
  if (!keepsGraph(options)) for (const record of tape) record.consume();
  return answers;
}

const NONE: ReadonlySet<TapeRecord<Tensor>> = new Set();
const BACKWARD_OPTIONS = ["retainGraph", "createGraph", "onRecord"] as const;
const GRAD_OPTIONS = [...BACKWARD_OPTIONS, "gradOutput", "allowUnused"] as const;

function keepsGraph({ retainGraph, createGraph = false }: BackwardOptions): boolean {
  return retainGraph ?? createGraph;
}

/** Gradients that are tensors with `createGraph`, else plain. */
function sweepFrom(
  caller: string,
  root: Tensor,
  tape: readonly TapeRecord<Tensor>[],
  gradOutput: Tensor | null,
  { createGraph = false, onRecord }: BackwardOptions,
  wanted: ReadonlySet<TapeRecord<Tensor>>,
): Map<Source<Tensor>, Tensor> | Map<Source<Tensor>, NdArray> {
  if (!root.requiresGrad) {
    throw new Error(
      `${caller}: expected a tensor that requires a gradient, got ${String(root)}: no input of it has requiresGrad, ` +
        "or it was detached or made in noGrad",
    );
  }
  if (gradOutput === null && root.numel !== 1) {
    throw new RangeError(
      `${caller}: expected a gradOutput for an output of more than one value, got none for shape ${formatShape(root.shape)}`,
    );
  }
  const gradRoot = gradOutput ?? new Tensor(NdArray.full(root.shape, 1, root.dtype));
  if (!sameShape(gradRoot.shape, root.shape)) {
    throw new RangeError(
      `${caller}: expected gradOutput of shape ${formatShape(root.shape)}, got ${formatShape(gradRoot.shape)}`,
    );
  }
  if (gradRoot.dtype !== root.dtype) {
    throw new TypeError(`${caller}: expected gradOutput in ${root.dtype}, got ${gradRoot.dtype}`);
  }
  const keep = (record: TapeRecord<Tensor>): boolean => wanted.has(record) || record.retained !== null;
  if (createGraph) {
    // The tape is on even in noGrad: the graph was asked for.
    const pullbackOf = (record: TapeRecord<Tensor>): Pullback<Tensor> | null => record.replay?.() ?? null;
    return withGrad(true, () => sweep(root, tape, gradRoot, { caller, pullbackOf, keep, onRecord }));
  }
  const pullbackOf = (record: TapeRecord<Tensor>): Pullback<NdArray> | null => record.pullback;
  return sweep(root, tape, gradRoot.value, { caller, pullbackOf, keep, onRecord });
}

/** A tensor of its own: with createGraph two leaves, or a leaf and the caller's gradOutput, may have the same gradient. */
function ownGrad(gradient: Tensor | NdArray): Tensor {
  if (gradient instanceof NdArray) return new Tensor(gradient);
  // A leaf stays connected, in noGrad too.
  if (gradient.requiresGrad && gradient.record === null) return withGrad(true, () => gradient.add(0));
  return new Tensor(gradient.value, gradient.requiresGrad, gradient.record);
}

function accumulate(before: Tensor, gradient: Tensor | NdArray): Tensor {
  if (gradient instanceof NdArray) return new Tensor(before.value.add(gradient));
  return withGrad(true, () => before.add(gradient));
}
