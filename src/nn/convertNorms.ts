/** Exchanges layers of a model for others, wherever they stand in it. */
import { describeValue } from "../autograd/format.ts";
import { entriesOf } from "../autograd/containers.ts";
import { Buffer, Module, Parameter } from "../autograd/module.ts";
import type { AnyModule } from "../autograd/module.ts";
import { sameShape } from "../autograd/shape.ts";
import type { Tensor } from "../autograd/tensor.ts";

/** A class of modules: BatchNorm2d, or an abstract one such as Norm. */
export type ModuleClass<M extends AnyModule = AnyModule> = abstract new (...args: never[]) => M;

/** What a class makes, or what several make. */
export type ModuleOf<From> =
  From extends ModuleClass<infer M> ? M : From extends readonly ModuleClass<infer M>[] ? M : never;

/** A module that takes the inputs of another. */
export type InTheirPlace<M> = M extends Module<infer Inputs> ? Module<Inputs> : never;

/** How the exchanged module is called, and where it stands. */
interface Found<M> {
  readonly path: string;
  readonly module: M;
}

/** A new value of an attribute. */
interface Change {
  readonly owner: AnyModule;
  readonly attribute: string;
  readonly value: unknown;
}

/**
 * Exchanges the norms of a model, as people do with BatchNorm when batches are small; in the manner of
 * torch.nn.SyncBatchNorm.convert_sync_batchnorm. The model itself is changed, but for a model that is such a norm itself.
 * Norms are found where modules find their children, in attributes and arrays at any depth; one that stands at two places
 * becomes one new norm at both. A new norm, and what stands below an exchanged one, is not searched again.
 *
 * A new norm takes over, as copies in its own dtype:
 * - weight and bias, each where both norms have one and the shapes agree, with its requiresGrad;
 * - runningMean and runningVar, if both norms have both and the shapes agree, and then numBatchesTracked if both have it;
 *   to a BatchRenorm √(runningVar + eps) as its runningStd, so that it evaluates to what the BatchNorm did;
 * - training or evaluation mode.
 * Nothing else: no gradients, no parameters of other names, and not the dtype, which `to` chooses: without one the new
 * norm has the default dtype, float64. Parameters are new ones: make optimizers afterwards.
 *
 * @param model any module
 * @param from the class to exchange, with its subclasses, or a list of classes
 * @param to makes the new norm for a norm; it is called once for each
 * @returns the model, or the new norm where the model itself is one to exchange
 * @throws TypeError if `to` answers no module, or a norm stands where it cannot be exchanged; whatever `to` throws. The model
 *   has not been changed then
 * @example
 * const model = new Sequential(new Conv2d(3, 8, 3), new BatchNorm2d(8), new ReLU());
 * convertNorms(model, BatchNorm2d, (norm) => new GroupNorm(4, norm.numFeatures, { dtype: norm.weight?.dtype }));
 * String(model.layers[1]); // GroupNorm(4, 8, eps=1e-5, affine=true)
 * model.forward(randn([1, 3, 5, 5])).shape; // [1, 8, 3, 3]
 */
export function convertNorms<const From extends ModuleClass | readonly ModuleClass[]>(
  model: NoInfer<ModuleOf<From>>,
  from: From,
  to: (norm: ModuleOf<From>) => InTheirPlace<ModuleOf<From>>,
): InTheirPlace<ModuleOf<From>>;
export function convertNorms<Model extends AnyModule, const From extends ModuleClass | readonly ModuleClass[]>(
  model: Model,
  from: From,
  to: (norm: ModuleOf<From>) => InTheirPlace<ModuleOf<From>>,
): Model;
export function convertNorms<M extends AnyModule>(
  model: AnyModule,
  from: ModuleClass<M> | readonly ModuleClass<M>[],
  to: (norm: M) => AnyModule,
): AnyModule {
  if (!(model instanceof Module)) {
    throw new TypeError(`convertNorms: expected a model, as new Sequential(…), got ${describeValue(model)}`);
  }
  const classes = checkClasses(from);
  if (typeof to !== "function" || to.prototype instanceof Module) {
    throw new TypeError(
      "convertNorms: expected a function that makes the new norm, as (norm) => new GroupNorm(4, 8), got " +
        (typeof to === "function" ? "a class" : describeValue(to)),
    );
  }
  const { found, visited } = search(model, classes);
  // First everything that may throw, then the changes.
  const made = new Map<AnyModule, AnyModule>(found.map(({ path, module }) => [module, make(to, module, path)]));
  const changes = visited.flatMap((owner) => changesOf(owner, made));
  checkReached(found, model, made, changes);
  for (const { module } of found) carryOver(module, made.get(module) ?? module);
  for (const { owner, attribute, value } of changes) Reflect.set(owner, attribute, value);
  return made.get(model) ?? model;
}

function checkClasses<M extends AnyModule>(
  from: ModuleClass<M> | readonly ModuleClass<M>[],
): readonly ModuleClass<M>[] {
  const classes = typeof from === "function" ? [from] : from;
  const isClass = (value: unknown): boolean =>
    typeof value === "function" && (value === Module || value.prototype instanceof Module);
  if (Array.isArray(classes) && classes.every(isClass)) return classes;
  throw new TypeError(
    `convertNorms: expected a class of modules, as BatchNorm2d, or an array of them, got ${describeValue(from)}`,
  );
}

/** The modules to exchange, and those that stay and may hold one; each once. */
function search<M extends AnyModule>(
  model: AnyModule,
  classes: readonly ModuleClass<M>[],
): { readonly found: readonly Found<M>[]; readonly visited: readonly AnyModule[] } {
  const found = new Map<AnyModule, Found<M>>();
  const visited = new Set<AnyModule>();
  const pending: Found<AnyModule>[] = [{ path: "", module: model }];
  for (let next = pending.shift(); next !== undefined; next = pending.shift()) {
    const { path, module } = next;
    if (found.has(module) || visited.has(module)) continue;
    const match = matching(module, classes);
    if (match) found.set(module, { path, module: match });
    else {
      visited.add(module);
      const prefix = path === "" ? "" : `${path}.`;
      pending.unshift(
        ...Array.from(module.namedChildren(), ([name, child]) => ({ path: prefix + name, module: child })),
      );
    }
  }
  return { found: [...found.values()], visited: [...visited] };
}

/** The module as what it is, or null. */
function matching<M extends AnyModule>(module: AnyModule, classes: readonly ModuleClass<M>[]): M | null {
  for (const kind of classes) if (module instanceof kind) return module;
  return null;
}

function make<M extends AnyModule>(to: (norm: M) => AnyModule, norm: M, path: string): AnyModule {
  const made: unknown = to(norm);
  if (made instanceof Module) return made;
  const place = path === "" ? "" : ` at ${path}`;
  throw new TypeError(
    `convertNorms: expected a module in the place of the ${norm.constructor.name}${place}, got ${describeValue(made)}`,
  );
}

/** The attributes of a module that hold exchanged ones, with their new values. */
function changesOf(owner: AnyModule, made: ReadonlyMap<AnyModule, AnyModule>): Change[] {
  return Object.entries(owner).flatMap(([attribute, value]: [string, unknown]) => {
    const changed = exchanged(value, made);
    return changed === value ? [] : [{ owner, attribute, value: changed }];
  });
}

/** Containers are copied, since they may be frozen, or be somebody else's; where nothing changes, the value itself. */
function exchanged(value: unknown, made: ReadonlyMap<AnyModule, AnyModule>, within: readonly unknown[] = []): unknown {
  if (value instanceof Module) return made.get(value) ?? value;
  if (typeof value !== "object" || value === null || within.includes(value)) return value;
  const before = [...entriesOf(value)];
  const after = before.map(([key, entry]) => [key, exchanged(entry, made, [...within, value])] as const);
  if (after.every(([, entry], i) => entry === before[i]?.[1])) return value;
  if (value instanceof Map) return new Map(after);
  const entries = after.map(([, entry]) => entry);
  if (Array.isArray(value)) return entries;
  return value instanceof Set
    ? new Set(entries)
    : Object.fromEntries(after.map(([key, entry]) => [String(key), entry]));
}

/** A module that shows a child which is no attribute of it (a private one), or whose attributes are frozen, is refused. */
function checkReached<M extends AnyModule>(
  found: readonly Found<M>[],
  model: AnyModule,
  made: ReadonlyMap<AnyModule, AnyModule>,
  changes: readonly Change[],
): void {
  const places = new Map<unknown, boolean>();
  for (const { owner, attribute } of changes) {
    const canBeSet = Object.getOwnPropertyDescriptor(owner, attribute)?.writable === true;
    for (const child of modulesIn(Reflect.get(owner, attribute))) {
      places.set(child, canBeSet && (places.get(child) ?? true));
    }
  }
  const stays = (module: AnyModule): boolean => module === model || made.get(module) === module;
  const lost = found.find(({ module }) => !stays(module) && places.get(module) !== true);
  if (lost === undefined) return;
  throw new TypeError(
    `convertNorms: expected norms in attributes that can be set, got the ${lost.module.constructor.name} at ${lost.path} ` +
      "in one that cannot",
  );
}

function* modulesIn(value: unknown, within: readonly unknown[] = []): Generator<unknown> {
  if (value instanceof Module) yield value;
  else if (typeof value === "object" && value !== null && !within.includes(value)) {
    for (const [, entry] of entriesOf(value)) yield* modulesIn(entry, [...within, value]);
  }
}

/** See convertNorms: weight and bias, running statistics, and the mode. */
function carryOver(from: AnyModule, to: AnyModule): void {
  if (to === from) return;
  for (const name of ["weight", "bias"]) {
    const pair = pairOf(from, to, name, Parameter);
    if (pair) {
      copy(pair);
      pair.to.requiresGrad = pair.from.requiresGrad;
    }
  }
  const mean = pairOf(from, to, "runningMean", Buffer);
  const variance = pairOf(from, to, "runningVar", Buffer);
  const std = deviationPairOf(from, to);
  if (mean && (variance || std)) {
    for (const pair of [mean, variance, std, pairOf(from, to, "numBatchesTracked", Buffer)]) if (pair) copy(pair);
  }
  to.train(from.training);
}

/** √(runningVar + eps) for the runningStd of a BatchRenorm, in float64, and null where either is not there. */
function deviationPairOf(from: AnyModule, to: AnyModule): Pair<Tensor> | null {
  const [variance, eps, std]: readonly unknown[] = [
    Reflect.get(from, "runningVar"),
    Reflect.get(from, "eps"),
    Reflect.get(to, "runningStd"),
  ];
  if (!(variance instanceof Buffer && std instanceof Buffer) || typeof eps !== "number") return null;
  return sameShape(variance.shape, std.shape)
    ? { from: variance.detach().to("float64").add(eps).sqrt(), to: std }
    : null;
}

/** What is copied, and to where. */
interface Pair<T extends Tensor> {
  readonly from: T;
  readonly to: T;
}

/** The tensors of this name and kind, if both have one and the shapes agree. */
function pairOf<T extends Tensor>(
  from: AnyModule,
  to: AnyModule,
  name: string,
  kind: new (...args: never[]) => T,
): Pair<T> | null {
  const [old, made]: readonly unknown[] = [Reflect.get(from, name), Reflect.get(to, name)];
  return old instanceof kind && made instanceof kind && sameShape(old.shape, made.shape)
    ? { from: old, to: made }
    : null;
}

function copy({ from, to }: Pair<Tensor>): void {
  to.value = from.value.to(to.dtype);
}
