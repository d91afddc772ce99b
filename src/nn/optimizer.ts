/** Optimizer: parameter groups, state and its saving, which all optimizers share. */
import { checkNumber, checkObject } from "../autograd/checks.ts";
import { describeValue } from "../autograd/format.ts";
import { unknownOption } from "../autograd/knownOptions.ts";
import type { StateDict } from "../autograd/module.ts";
import type { NdArray } from "../autograd/ndarray.ts";
import { checkList, formatShape, sameShape } from "../autograd/shape.ts";
import { checkTensor, Tensor } from "../autograd/tensor.ts";

/** Tensors that are trained with the same options. The options may be changed between steps, as a schedule does. */
export type ParamGroup<Options extends object> = Options & { lr: number; readonly params: readonly Tensor[] };

/** A group as it is passed in: what it leaves out is taken from the optimizer's own options. */
export type ParamGroupInit<Options extends object> = Partial<Options> & {
  readonly lr?: number;
  readonly params: Iterable<Tensor>;
};

/** What is trained: `model.parameters()`, or groups with options of their own. */
export type Trainable<Options extends object> = Iterable<Tensor> | Iterable<ParamGroupInit<Options>>;

/** What an optimizer remembers of one parameter, under PyTorch's names in camelCase. */
export type OptimizerState = Readonly<Record<string, NdArray>>;

/** Everything needed to resume: parameters are numbered through all groups, in their order. */
export interface OptimizerStateDict<Options extends object> {
  readonly state: Readonly<Record<number, StateDict>>;
  readonly paramGroups: readonly (Options & { readonly lr: number; readonly params: readonly number[] })[];
}

/**
 * The base of all optimizers. A subclass says how one parameter is updated, as a pure function of its value, gradient
 * and state; here they are collected first and assigned last, so that a step that throws has changed nothing.
 *
 * @throws TypeError if something else than tensors is to be trained, or a tensor that an op made; RangeError if there is
 * nothing to train, a parameter comes twice or an option is out of range
 */
export abstract class Optimizer<Options extends object> {
  readonly paramGroups: readonly ParamGroup<Options>[];
  #state: ReadonlyMap<Tensor, OptimizerState> = new Map();

  constructor(parameters: Trainable<Options>, defaults: Options & { readonly lr: number }) {
    this.checkOptions(defaults);
    this.paramGroups = groupsOf(this.name, parameters, defaults);
    for (const group of this.paramGroups) this.checkOptions(group);
    checkParameters(this.name, this.parameters());
  }

  /** The new value of a parameter, and what to remember of it. `state` is empty in its first step. */
  protected abstract update(
    parameter: NdArray,
    gradient: NdArray,
    state: OptimizerState,
    options: ParamGroup<Options>,
  ): { readonly value: NdArray; readonly state: OptimizerState };

  /** Throws a RangeError if an option is out of range. */
  protected abstract checkOptions(options: Options & { readonly lr: number }): void;

  /** The names that a parameter's state has after its first step. */
  protected abstract stateNames(options: Options): readonly string[];

  /** The learning rate (of the first group). Setting it sets that of every group. */
  get lr(): number {
    return this.paramGroups[0]?.lr ?? NaN;
  }

  set lr(lr: number) {
    checkRange(this.name, "lr", lr);
    for (const group of this.paramGroups) group.lr = lr;
  }

  /**
   * Updates every parameter that has a gradient; the others and their state stay as they are.
   *
   * @throws RangeError if a gradient's shape is not its parameter's, TypeError if its dtype is not; nothing has changed
   */
  step(): void {
    const state = new Map(this.#state);
    const values = new Map<Tensor, NdArray>();
    for (const group of this.paramGroups) {
      for (const parameter of group.params) {
        if (parameter.grad === null) continue;
        checkGradient(this.name, parameter, parameter.grad);
        const before = this.#state.get(parameter) ?? {};
        const after = this.update(parameter.value, parameter.grad.value, before, group);
        values.set(parameter, after.value);
        state.set(parameter, after.state);
      }
    }
    for (const [parameter, value] of values) parameter.value = value;
    this.#state = state;
  }

  /** Sets every gradient to null, as PyTorch 2 does; a parameter that the next loss does not reach is then skipped. */
  zeroGrad(): void {
    for (const parameter of this.parameters()) parameter.grad = null;
  }

  /** What is needed to go on later as if there had been no break. */
  stateDict(): OptimizerStateDict<Options> {
    const parameters = this.parameters();
    return {
      state: Object.fromEntries(
        parameters.flatMap((parameter, i): (readonly [index: number, state: StateDict])[] => {
          const state = this.#state.get(parameter);
          return state === undefined ? [] : [[i, mapValues(state, (array) => new Tensor(array))]];
        }),
      ),
      paramGroups: this.paramGroups.map((group) => ({
        ...group,
        params: group.params.map((parameter) => parameters.indexOf(parameter)),
      })),
    };
  }

  /**
   * Takes options and state over from an optimizer of the same class over parameters of the same shapes.
   *
   * @throws RangeError if groups, names or shapes differ, or an option is out of range; nothing has been changed then
   */
  loadStateDict(stateDict: OptimizerStateDict<Options>): void {
    const { state, paramGroups } = checkObject("loadStateDict", "a state dict", stateDict);
    checkObject("loadStateDict", "its state", state);
    checkList("loadStateDict", "its paramGroups", paramGroups);
    const expected = this.paramGroups.map((group) => group.params.length).join(", ");
    for (const group of paramGroups) checkList("loadStateDict", "the params of each group", group?.params);
    const counts = paramGroups.map((group) => group.params.length).join(", ");
    if (expected !== counts) {
      throw new RangeError(`loadStateDict: expected groups of ${expected} parameters, got ${counts || "none"}`);
    }
    const loaded = new Map<Tensor, OptimizerState>();
    this.paramGroups.forEach((group, i) => {
      const saved = paramGroups[i];
      if (saved === undefined) return;
      this.checkOptions(saved);
      group.params.forEach((parameter, j) => {
        const index = saved.params[j] ?? -1;
        const entries = state[index];
        if (entries === undefined) return;
        checkState(index, entries, this.stateNames(saved), parameter);
        loaded.set(
          parameter,
          mapValues(entries, ({ value }, name) => stored(name, value, parameter)),
        );
      });
    });
    this.paramGroups.forEach((group, i) => Object.assign(group, paramGroups[i], { params: group.params }));
    this.#state = loaded;
  }

  private get name(): string {
    return this.constructor.name;
  }

  private parameters(): Tensor[] {
    return this.paramGroups.flatMap((group) => group.params);
  }
}

/** A number from `min` up to, but without, `below`. */
export function checkRange(name: string, what: string, value: number, min: number = 0, below: number = Infinity): void {
  if (checkNumber(name, what, value) >= min && value < below) return;
  const finite = min === -Number.MAX_VALUE ? "a finite number" : `a finite number of at least ${min}`;
  const expectation = below === Infinity ? finite : `in [${min}, ${below})`;
  throw new RangeError(`${name}: expected ${what} to be ${expectation}, got ${String(value)}`);
}

function groupsOf<Options extends object>(
  name: string,
  parameters: Trainable<Options>,
  defaults: Options & { readonly lr: number },
): ParamGroup<Options>[] {
  checkIterable(name, TRAINABLE, parameters);
  const tensors: Tensor[] = [];
  const groups: ParamGroup<Options>[] = [];
  for (const entry of parameters) {
    if (entry instanceof Tensor) {
      tensors.push(entry);
    } else {
      checkIterable(name, TRAINABLE, entry?.params, entry?.params ?? entry);
      const unknown = unknownOption(entry, ["params", ...Object.keys(defaults)]);
      if (unknown !== null) throw new TypeError(`${name}: expected each group with ${unknown}`);
      groups.push({ ...defaults, ...entry, params: [...entry.params] });
    }
  }
  if (tensors.length > 0 && groups.length > 0) {
    throw new TypeError(
      `${name}: expected either tensors or groups, got ${tensors.length} and ${groups.length} of them`,
    );
  }
  return tensors.length > 0 ? [{ ...defaults, params: tensors }] : groups;
}

const TRAINABLE = "several tensors, as of model.parameters(), or groups { params, … } of them";

export function checkIterable(name: string, what: string, value: unknown, got: unknown = value): void {
  if (typeof value !== "object" || value === null || !(Symbol.iterator in value)) {
    throw new TypeError(`${name}: expected ${what}, got ${describeValue(got)}`);
  }
}

function checkParameters(name: string, parameters: readonly Tensor[]): void {
  if (parameters.length === 0) throw new RangeError(`${name}: expected at least one parameter, got an empty list`);
  const seen = new Set<Tensor>();
  for (const [i, parameter] of parameters.entries()) {
    if (!(parameter instanceof Tensor)) {
      throw new TypeError(
        `${name}: expected parameters that are tensors, got ${describeValue(parameter)} for number ${i}`,
      );
    }
    if (parameter.record !== null) {
      throw new TypeError(
        `${name}: expected leaves to train, got the output of ${parameter.record.name} for number ${i}`,
      );
    }
    if (seen.has(parameter)) throw new RangeError(`${name}: expected each parameter once, got number ${i} again`);
    seen.add(parameter);
  }
}

function checkGradient(name: string, parameter: Tensor, gradient: Tensor): void {
  if (!sameShape(checkTensor(name, "a gradient", gradient).shape, parameter.shape)) {
    throw new RangeError(
      `${name}: expected a gradient of its parameter's shape ${formatShape(parameter.shape)}, got ${formatShape(gradient.shape)}`,
    );
  }
  if (gradient.dtype !== parameter.dtype) {
    throw new TypeError(
      `${name}: expected a gradient in its parameter's dtype ${parameter.dtype}, got ${gradient.dtype}`,
    );
  }
}

function checkState(index: number, entries: StateDict, names: readonly string[], parameter: Tensor): void {
  const given = Object.keys(checkObject("loadStateDict", `the state of parameter ${index}`, entries))
    .toSorted()
    .join(", ");
  if (given !== names.toSorted().join(", ")) {
    throw new RangeError(
      `loadStateDict: expected state ${names.join(", ") || "of no name"} for parameter ${index}, got ${given || "none"}`,
    );
  }
  for (const [name, entry] of Object.entries(entries)) {
    const { shape } = checkTensor("loadStateDict", `${name} of parameter ${index}`, entry);
    const expected = name === "step" ? [] : parameter.shape;
    if (!sameShape(shape, expected)) {
      throw new RangeError(
        `loadStateDict: expected ${name} of parameter ${index} in shape ${formatShape(expected)}, got ${formatShape(shape)}`,
      );
    }
  }
}

/** State is kept in its parameter's dtype, but a count is exact. */
function stored(name: string, value: NdArray, parameter: Tensor): NdArray {
  return value.to(name === "step" ? "float64" : parameter.dtype);
}

function mapValues<V, W>(record: Readonly<Record<string, V>>, map: (value: V, name: string) => W): Record<string, W> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, map(value, name)]));
}
