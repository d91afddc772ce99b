/** Module, Parameter, Buffer: what a layer is made of. */
import { checkBoolean, checkObject, checkOptions } from "./checks.ts";
import { heldIn } from "./containers.ts";
import { describeValue, formatNames } from "./format.ts";
import { formatShape, sameShape } from "./shape.ts";
import { checkTensor, Tensor } from "./tensor.ts";

/**
 * A tensor that an optimizer trains. As an attribute of a module it is found by `parameters()`.
 *
 * @example
 * class Scale extends Module {
 *   readonly factor = new Parameter(ones([1]));
 *   override forward(input: Tensor): Tensor {
 *     return input.mul(this.factor);
 *   }
 * }
 */
export class Parameter extends Tensor {
  constructor(initial: Tensor) {
    super(checkTensor("Parameter", "the initial value", initial).value, true);
  }
}

/**
 * A tensor that belongs to a module's state but is not trained: running statistics. `buffers()` and `stateDict()` find
 * it, `parameters()` does not.
 *
 * @param initial its value; that it may require a gradient is forgotten
 * @param options.optional a state dict may leave it out. Default false
 * @throws TypeError if `initial` is no tensor
 * @example
 * class Count extends Module {
 *   readonly calls = new Buffer(zeros([]));
 *   override forward(input: Tensor): Tensor {
 *     this.calls.value = this.calls.value.add(1);
 *     return input;
 *   }
 * }
 * const count = new Count();
 * count.forward(ones([2]));
 * count.calls.item(); // 1
 */
export class Buffer extends Tensor {
  /** A state dict may leave it out; it is then set to zero, as PyTorch does with num_batches_tracked. */
  readonly optional: boolean;

  constructor(initial: Tensor, options: { readonly optional?: boolean } = {}) {
    const { optional = false } = checkOptions("Buffer", options, ["optional"]);
    super(checkTensor("Buffer", "the initial value", initial).value);
    this.optional = optional;
  }
}

/** Names and values, as PyTorch names them: `0.weight`, `1.running_mean`. */
export type StateDict = Readonly<Record<string, Tensor>>;

/** A module, whatever its inputs and its output are. */
export type AnyModule = Module<never, unknown>;

/**
 * A layer, or a network made of layers. Parameters, buffers and modules that are stored in its attributes are found in the
 * order of the attributes, also in arrays, plain objects, Maps and Sets: what PyTorch has ModuleList and ModuleDict for. A
 * `#private` field cannot be seen from outside: what stands there is not trained, and not saved.
 *
 * @example
 * class Net extends Module {
 *   readonly fc1 = new Linear(8, 16);
 *   readonly norm = new LayerNorm(16);
 *   override forward(input: Tensor): Tensor {
 *     return this.norm.forward(this.fc1.forward(input)).relu();
 *   }
 * }
 */
export abstract class Module<Inputs extends readonly unknown[] = readonly [input: Tensor], Output = Tensor> {
  /** Whether the module is in training mode: batch statistics, dropout. Change it with `train` and `eval`. */
  training = true;

  constructor() {
    // For callers in JavaScript: a class without a forward does not compile. One in a class field takes its place.
    if (Reflect.has(this, "forward")) return;
    const { name } = this.constructor;
    const value = (): never => {
      throw new TypeError(`forward: expected the class ${name} to have a method forward, got none`);
    };
    Object.defineProperty(this, "forward", { value, writable: true, configurable: true });
  }

  abstract forward(...inputs: Inputs): Output;

  /** The modules stored in attributes, with their names. */
  *namedChildren(): Generator<readonly [name: string, child: AnyModule]> {
    for (const [name, value] of heldIn(this, isHeld)) if (value instanceof Module) yield [name, value];
  }

  /** This module and all below it, each once; the name of this one is "". */
  *namedModules(prefix = ""): Generator<readonly [name: string, module: AnyModule]> {
    const seen = new Set<AnyModule>();
    const pending: (readonly [string, AnyModule])[] = [[prefix, this]];
    for (let next = pending.shift(); next !== undefined; next = pending.shift()) {
      const [path, module] = next;
      if (seen.has(module)) continue;
      seen.add(module);
      yield next;
      pending.unshift(...Array.from(module.namedChildren(), ([name, child]) => [join(path, name), child] as const));
    }
  }

  modules(): AnyModule[] {
    return Array.from(this.namedModules(), ([, module]) => module);
  }

  *namedParameters(): Generator<readonly [name: string, parameter: Parameter]> {
    yield* this.namedState(Parameter);
  }

  parameters(): Parameter[] {
    return Array.from(this.namedParameters(), ([, parameter]) => parameter);
  }

  *namedBuffers(): Generator<readonly [name: string, buffer: Buffer]> {
    yield* this.namedState(Buffer);
  }

  buffers(): Buffer[] {
    return Array.from(this.namedBuffers(), ([, buffer]) => buffer);
  }

  /** Training mode for this module and all below it. */
  train(mode = true): this {
    checkBoolean("train", "mode", mode);
    for (const module of this.modules()) module.training = mode;
    return this;
  }

  /** Evaluation mode: running statistics, no dropout. */
  eval(): this {
    return this.train(false);
  }

  zeroGrad(): void {
    for (const parameter of this.parameters()) parameter.grad = null;
  }

  /** The values of parameters and buffers under PyTorch's names: `runningMean` is `running_mean`. */
  stateDict(): StateDict {
    return Object.fromEntries(Array.from(this.stateEntries(), ([key, tensor]) => [key, tensor.detach()]));
  }

  /**
   * Takes the values of a state dict over, converted to each tensor's dtype.
   *
   * @param options.strict throw if a key is missing or unexpected. Default true; otherwise they are only reported
   * @throws RangeError that names missing and unexpected keys and wrong shapes, the first of many; TypeError if something is
   * no tensor. Nothing has been changed then
   */
  loadStateDict(
    state: StateDict,
    options: { readonly strict?: boolean } = {},
  ): { readonly missingKeys: readonly string[]; readonly unexpectedKeys: readonly string[] } {
    const { strict = true } = checkOptions("loadStateDict", options, ["strict"]);
    const own = new Map(this.stateEntries());
    const given = new Map(Object.entries(checkStateDict(state)));
    const missingKeys = [...own].filter(([key, to]) => !given.has(key) && !isOptional(to)).map(([key]) => key);
    const unexpectedKeys = [...given.keys()].filter((key) => !own.has(key));
    const shapes = [...own].flatMap(([key, to]) => {
      const from = given.get(key);
      return from === undefined || sameShape(checkTensor("loadStateDict", key, from).shape, to.shape)
        ? []
        : [`shape ${formatShape(from.shape)} instead of ${formatShape(to.shape)} for ${key}`];
    });
    const faults = [
      ...(strict && missingKeys.length > 0 ? [`the missing keys ${formatNames(missingKeys)}`] : []),
      ...(strict && unexpectedKeys.length > 0 ? [`the unexpected keys ${formatNames(unexpectedKeys)}`] : []),
      ...(shapes.length > 0 ? [formatNames(shapes)] : []),
    ];
    if (faults.length > 0) {
      const name = this.constructor.name;
      throw new RangeError(`loadStateDict: expected the state of ${name}, got it with ${faults.join("; ")}`);
    }
    for (const [key, to] of own) {
      const from = given.get(key);
      if (from !== undefined) to.value = from.value.to(to.dtype);
      else if (isOptional(to)) to.value = to.value.constant((values) => new Float64Array(values.length));
    }
    return { missingKeys, unexpectedKeys };
  }

  /** What stands between the parentheses when the module is printed. */
  protected extraRepr(): string {
    return "";
  }

  /** As PyTorch prints it: the class with its options, and the children below, indented. */
  toString(): string {
    const children = Array.from(
      this.namedChildren(),
      ([name, child]) => `  (${name}): ${String(child).replaceAll("\n", "\n  ")}\n`,
    );
    const body = children.length > 0 ? `\n${children.join("")}` : "";
    return `${this.constructor.name}(${this.extraRepr()}${body})`;
  }

  private *namedState<T extends Tensor>(kind: new (...args: never[]) => T): Generator<readonly [string, T]> {
    const seen = new Set<T>();
    for (const [path, module] of this.namedModules()) {
      for (const [name, value] of heldIn(module, isHeld)) {
        if (!(value instanceof kind) || seen.has(value)) continue;
        seen.add(value);
        yield [join(path, name), value];
      }
    }
  }

  /** Parameters, then buffers, of one module after the other. What stands at two places has two keys, as in PyTorch. */
  private *stateEntries(path = ""): Generator<readonly [key: string, tensor: Tensor]> {
    for (const kind of [Parameter, Buffer]) {
      for (const [name, value] of heldIn(this, isHeld)) {
        if (value instanceof kind) yield [join(path, snakeCase(name)), value];
      }
    }
    for (const [name, child] of this.namedChildren()) yield* child.stateEntries(join(path, name));
  }
}

function isHeld(value: object): value is Tensor | AnyModule {
  return value instanceof Tensor || value instanceof Module;
}

function checkStateDict(state: StateDict): StateDict {
  const isFile = ArrayBuffer.isView(state) || state instanceof ArrayBuffer;
  const way = isFile ? "loadSafetensors(bytes)" : state instanceof Module ? "model.stateDict()" : null;
  if (way === null) return checkObject("loadStateDict", "a state dict", state);
  throw new TypeError(`loadStateDict: expected a state dict, as ${way} answers it, got ${describeValue(state)}`);
}

function join(path: string, name: string): string {
  return path === "" ? name : `${path}.${name}`;
}

function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (capital) => `_${capital.toLowerCase()}`);
}

function isOptional(tensor: Tensor): boolean {
  return tensor instanceof Buffer && tensor.optional;
}
