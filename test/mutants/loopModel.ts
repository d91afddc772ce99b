/** BatchNorm and InstanceNorm with running statistics, and their gradInput, in plain loops. */
import type { NdArray } from "../../src/autograd/index.ts";
import type { StatefulOptions } from "./statefulNorm.ts";

export const CHANNELS = 2;

/** What a forward has used, for the backward that comes later. */
export interface Pending {
  readonly x: NdArray;
  readonly sets: readonly NormalizedSet[];
}

/** Cells that share a mean and a variance. `own`: the mean and the variance move with the cells. */
export interface NormalizedSet {
  readonly cells: readonly number[];
  readonly mean: number;
  readonly variance: number;
  readonly own: boolean;
}

/** The layer in plain loops. */
export class StateModel {
  readonly options: StatefulOptions;
  training = true;
  batches = 0;
  mean: number[] = Array.from({ length: CHANNELS }, () => 0);
  variance: number[] = Array.from({ length: CHANNELS }, () => 1);
  readonly pending: Pending[] = [];

  constructor(options: StatefulOptions) {
    this.options = options;
  }

  forward(x: NdArray): number[] {
    const sets = this.sets(x);
    const output: number[] = [];
    for (const { cells, mean, variance } of sets) {
      for (const cell of cells) output[cell] = (value(x, cell) - mean) / Math.sqrt(variance + this.options.eps);
    }
    this.pending.push({ x, sets });
    if (this.training) this.update(x);
    return output;
  }

  /** ∂⟨g, y⟩/∂x of one of the forwards: the limit of the direct path and of those through mean and variance. */
  gradInput({ x, sets }: Pending, gradOutput: NdArray): number[] {
    const gradient: number[] = [];
    for (const { cells, mean, variance, own } of sets) {
      const rstd = 1 / Math.sqrt(variance + this.options.eps);
      const g = cells.map((cell) => value(gradOutput, cell));
      const xhat = cells.map((cell) => (value(x, cell) - mean) * rstd);
      const viaMean = own ? average(g) : 0;
      const viaVariance = own ? average(g.map((v, i) => v * (xhat[i] ?? 0))) : 0;
      cells.forEach((cell, i) => {
        gradient[cell] = rstd * ((g[i] ?? 0) - viaMean - (xhat[i] ?? 0) * viaVariance);
      });
    }
    return gradient;
  }

  /** The channels' cells, or those of each sample's channel, with the statistics that normalize them. */
  private sets(x: NdArray): NormalizedSet[] {
    return this.cells(x).flatMap(({ channel, instances }) => {
      const whole = this.options.perSample ? instances : [instances.flat()];
      return whole.map((cells) =>
        this.training
          ? { cells, ...statistics(x, cells), own: true }
          : { cells, mean: this.mean[channel] ?? NaN, variance: this.variance[channel] ?? NaN, own: false },
      );
    });
  }

  private update(x: NdArray): void {
    this.batches += 1;
    const factor = this.options.momentum ?? 1 / this.batches;
    for (const { channel, instances } of this.cells(x)) {
      const sets = (this.options.perSample ? instances : [instances.flat()]).map((cells) => {
        const { mean, variance } = statistics(x, cells);
        return { mean, variance: (variance * cells.length) / (cells.length - 1) };
      });
      const move = (old: number | undefined, all: readonly number[]): number =>
        (1 - factor) * (old ?? NaN) + factor * average(all);
      this.mean[channel] = move(
        this.mean[channel],
        sets.map(({ mean }) => mean),
      );
      this.variance[channel] = move(
        this.variance[channel],
        sets.map(({ variance }) => variance),
      );
    }
  }

  private cells({ shape }: NdArray): { readonly channel: number; readonly instances: readonly number[][] }[] {
    const [samples = 0, channels = 0, positions = 0] = shape;
    return Array.from({ length: channels }, (_, channel) => ({
      channel,
      instances: Array.from({ length: samples }, (_n, n) =>
        Array.from({ length: positions }, (_p, p) => (n * channels + channel) * positions + p),
      ),
    }));
  }
}

const value = (array: NdArray, cell: number): number => array.data[cell] ?? NaN;
const average = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;

function statistics(x: NdArray, cells: readonly number[]): { readonly mean: number; readonly variance: number } {
  const values = cells.map((cell) => value(x, cell));
  const mean = average(values);
  return { mean, variance: average(values.map((v) => (v - mean) ** 2)) };
}
