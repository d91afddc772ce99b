/** Who is measured. This file imports no library, so that the tables can be made without any. */

export const OWN = ["normgrad-formula", "normgrad-typescript", "normgrad-wasm"] as const;
export const PEERS = ["jax-js", "tfjs-cpu", "tfjs-wasm", "deepbox", "js-pytorch"] as const;
/** Not JavaScript: what the machine can do, and what most people know. */
export const NATIVE = ["c", "pytorch"] as const;

export type ContestantName = (typeof OWN)[number] | (typeof PEERS)[number] | (typeof NATIVE)[number];
export const CONTESTANTS: readonly ContestantName[] = [...OWN, ...PEERS, ...NATIVE];

/** As columns of a table. */
export const LABELS: Readonly<Record<ContestantName, string>> = {
  "normgrad-formula": "formula",
  "normgrad-typescript": "typescript",
  "normgrad-wasm": "wasm",
  "jax-js": "jax-js",
  "tfjs-cpu": "tfjs cpu",
  "tfjs-wasm": "tfjs wasm",
  deepbox: "deepbox",
  "js-pytorch": "js-pytorch",
  c: "C",
  pytorch: "PyTorch",
};
