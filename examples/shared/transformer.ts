/** Parts of a small transformer that do not depend on where its norms stand, and a text for it. */
import { Module } from "normgrad";
import type { Generator, Tensor } from "normgrad";
import { Linear, scaledDotProductAttention, xavierUniform } from "normgrad/nn";

export const SYMBOLS = "0123456789+=;";

/** `length` symbols of endless sums of random digits, 3+9=12;5+0=5;…, from the beginning of one. */
export function sums(length: number, generator: Generator): string {
  let text = "";
  while (text.length < length) {
    const [a, b] = [generator.integer(10), generator.integer(10)];
    text += `${a}+${b}=${a + b};`;
  }
  return text.slice(0, length);
}

/** Texts as numbers: `symbols` [batch, length] to read, and `next`, the one after each of them. */
export function textBatch(
  batch: number,
  length: number,
  generator: Generator,
): { readonly symbols: readonly (readonly number[])[]; readonly next: readonly number[] } {
  const texts = Array.from({ length: batch }, () =>
    Array.from(sums(length + 1, generator), (symbol) => SYMBOLS.indexOf(symbol)),
  );
  return { symbols: texts.map((text) => text.slice(0, -1)), next: texts.flatMap((text) => text.slice(1)) };
}

/** Without a bias, its weight drawn as Vaswani et al. and Xiong et al. draw theirs. */
export function xavierLinear(inputs: number, outputs: number, generator: Generator): Linear {
  const layer = new Linear(inputs, outputs, { bias: false });
  layer.weight.value = xavierUniform([outputs, inputs], { generator, dtype: layer.weight.dtype }).value;
  return layer;
}

/** Each position asks those before it, and itself; one head. [batch, length, dim] → the same. */
export class Attention extends Module {
  readonly query: Linear;
  readonly key: Linear;
  readonly value: Linear;
  readonly end: Linear;

  constructor(dim: number, generator: Generator) {
    super();
    this.query = xavierLinear(dim, dim, generator);
    this.key = xavierLinear(dim, dim, generator);
    this.value = xavierLinear(dim, dim, generator);
    this.end = xavierLinear(dim, dim, generator);
  }

  override forward(x: Tensor): Tensor {
    const [query, key, value] = [this.query.forward(x), this.key.forward(x), this.value.forward(x)];
    return this.end.forward(scaledDotProductAttention(query, key, value, { isCausal: true }));
  }
}
