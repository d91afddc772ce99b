export { getBackend, setBackend, withBackend } from "./backend.ts";
export type { Backend } from "./backend.ts";
export {
  arange,
  concat,
  full,
  getDefaultDtype,
  ones,
  rand,
  randn,
  setDefaultDtype,
  stack,
  tensor,
  zeros,
} from "./creation.ts";
export type { RandomOptions, TensorOptions } from "./creation.ts";
export { customOp } from "./customOp.ts";
export type { CustomOpOptions } from "./customOp.ts";
export { Dual } from "./dual.ts";
export { formatNumber, formatValue } from "./format.ts";
export { Buffer, Module, Parameter } from "./module.ts";
export type { AnyModule, StateDict } from "./module.ts";
export { NdArray } from "./ndarray.ts";
export type { Dtype, FloatArray } from "./ndarray.ts";
export { Num } from "./num.ts";
export type { Index, Values, VarianceOptions } from "./num.ts";
export { printTape } from "./printTape.ts";
export type { Names } from "./printTape.ts";
export { Generator, manualSeed } from "./random.ts";
export {
  broadcastShapes,
  formatShape,
  gatherIndex,
  normalizeDim,
  normalizeDims,
  range,
  reducedShape,
  sameShape,
  sizeOf,
} from "./shape.ts";
export type { Shape } from "./shape.ts";
export { noGrad, tapeOf } from "./tape.ts";
export type { Attributes, Grads, Kernel, Lift, Pullback, Rule, Taped, TapeRecord, Traced } from "./tape.ts";
export { apply, grad, Tensor } from "./tensor.ts";
export type { Arg, BackwardOptions, GradOptions, NestedArray, Op } from "./tensor.ts";
export { hvp, jvp, vjp } from "./transforms.ts";
export type { Formula } from "./transforms.ts";
