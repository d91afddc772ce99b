/**
 * What may be wrong with a backward, as far as it can be seen from outside: a closed list. The names are what a person
 * goes and looks for in the code; a diagnosis ranks them, each with its evidence.
 */
export const FAULTS = {
  output: "the op's own value is wrong: the forward, its statistics or its state",
  "not finite": "a gradient is NaN or infinite where the exact one is finite",
  state: "the same call twice gives two results: something is kept from an earlier one",
  gradOutput: "the backward is not linear in gradOutput, or does not use it",
  factor: "a gradient is right but for one constant factor or sign",
  "mean path": "the part of gradInput that flows through the mean is lost, scaled or of the wrong sign",
  "variance path": "the part of gradInput that flows through the variance is lost, scaled or of the wrong sign",
  "statistics as constants": "no gradient flows through mean and variance",
  count: "a sum is divided by the wrong number of elements",
  rstd: "1/√(variance + eps) is not the forward's: eps, its place, a power",
  parameter: "the way in which a parameter enters a gradient: lost, doubled, absolute, at the wrong place",
  "parameter gradient": "the gradient of a parameter is that of another formula; that of the first input is right",
  axes: "statistics or parameters are shared by the wrong cells: axes, groups, broadcasting",
  indices: "only some indices are wrong: the end of a loop, a block, a sample",
  precision: "right but for rounding: float32 somewhere, or a formula that cancels",
  unknown: "none of the signs that are known",
} as const;

/** The name of a fault. */
export type Fault = keyof typeof FAULTS;

/** One possible explanation of a failure. */
export interface Diagnosis {
  readonly fault: Fault;
  /** What was seen that speaks for it, in words and numbers. */
  readonly evidence: string;
}

/** A diagnosis on its way into the list. */
export interface Sign extends Diagnosis {
  /** It describes what is seen and explains little: left out where anything stands before it. */
  readonly isWeak?: boolean;
}
