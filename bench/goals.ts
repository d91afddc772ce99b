/** What the project wants to reach, and how each number is computed from what was measured. */
import { accuracy, timed } from "./cases.ts";
import { PEERS } from "./contestants/names.ts";
import type { ContestantName } from "./contestants/names.ts";
import { measurementsOf, ratioOf, timesOf } from "./measurement.ts";
import type { Results } from "./measurement.ts";
import { median } from "./statistics.ts";

type Compiled = "normgrad-typescript" | "normgrad-wasm";

interface Target {
  /** As it is printed. */
  readonly says: string;
  readonly atMost?: number;
  readonly atLeast?: number;
}

export interface Goal {
  readonly what: string;
  readonly typescript: Target | null;
  readonly wasm: Target | null;
  /** null: not all that it takes was measured. */
  readonly measure: (results: Results, own: Compiled) => number | null;
  readonly unit: string;
}

const atMost = (limit: number, unit: string): Target => ({ says: `≤ ${limit}${unit}`, atMost: limit });
const atLeast = (limit: number, unit: string): Target => ({ says: `≥ ${limit}${unit}`, atLeast: limit });

/** Our time over another's. */
const against =
  (id: string, other: ContestantName) =>
  (results: Results, own: Compiled): number | null =>
    ratioOf(results, "times", id, own, other)?.median ?? null;

/** Another's time over ours. */
const fasterThan =
  (id: string, other: ContestantName) =>
  (results: Results, own: Compiled): number | null =>
    ratioOf(results, "times", id, other, own)?.median ?? null;

const normIds = timed.flatMap((measured) => (measured.op === "matmul" || measured.op === "mlp" ? [] : [measured.id]));

/** The least lead over any peer on any norm that both computed. */
function leastLead(results: Results, own: Compiled): number | null {
  const leads = normIds.flatMap((id) =>
    PEERS.flatMap((peer) => ratioOf(results, "times", id, peer, own)?.median ?? []),
  );
  return leads.length === 0 ? null : Math.min(...leads);
}

function gigaflops(results: Results, own: Compiled): number | null {
  const time = timesOf(results, "times", "matmul-256-f32", own);
  return time && (2 * 256 ** 3) / time.median;
}

function largestError(results: Results, own: Compiled): number | null {
  const errors = accuracy.flatMap(({ id }) =>
    measurementsOf(results, "accuracy", id, own).flatMap(({ errors }) =>
      errors ? [errors.output.ulp, errors.gradients.ulp] : [],
    ),
  );
  return errors.length === 0 ? null : Math.max(...errors);
}

/** Bytes of output, gradInput, gradWeight and gradBias of LN 512×768 in float32. */
const RESULT_BYTES = 4 * (2 * 512 * 768 + 2 * 768);

function memory(results: Results, own: Compiled): number | null {
  const kept = measurementsOf(results, "times", "ln-512x768", own).flatMap(({ kept }) => kept ?? []);
  return kept.length === 0 ? null : median(kept) / RESULT_BYTES;
}

const versusPyTorch = (what: string, id: string, typescript: number, wasm: number): Goal => ({
  what: `${what}, forward + backward, time over PyTorch's on one thread`,
  typescript: atMost(typescript, "×"),
  wasm: atMost(wasm, "×"),
  measure: against(id, "pytorch"),
  unit: "×",
});

export const goals: readonly Goal[] = [
  versusPyTorch("LN 512×768 f32", "ln-512x768", 5, 1.3),
  versusPyTorch("GN(32) 8×64×28×28", "gn32-8x64x28x28", 5.5, 1),
  versusPyTorch("BN 32×64×28×28", "bn-32x64x28x28", 1.8, 0.6),
  versusPyTorch("IN 8×64×28×28", "in-8x64x28x28", 2, 0.4),
  versusPyTorch("LN 512×768 f64", "ln-512x768-f64", 1.6, 1),
  {
    what: "LN 8×16 on the tape, PyTorch's time over ours",
    typescript: atLeast(7, "×"),
    wasm: atLeast(10, "×"),
    measure: fasterThan("ln-8x16", "pytorch"),
    unit: "×",
  },
  {
    what: "the nearest JavaScript peer on any norm, its time over ours",
    typescript: { says: "> 1×", atLeast: 1 },
    wasm: atLeast(4, "×"),
    measure: leastLead,
    unit: "×",
  },
  {
    what: "LN 512×768, the formula's time over the kernel's",
    typescript: atLeast(4, "×"),
    wasm: atLeast(10, "×"),
    measure: fasterThan("ln-512x768", "normgrad-formula"),
    unit: "×",
  },
  {
    what: "matmul 256³ f32; with relaxed SIMD, which Node 20 lacks, 50",
    typescript: atLeast(4, " GFLOP/s"),
    wasm: atLeast(hasRelaxedSimd() ? 50 : 30, " GFLOP/s"),
    measure: gigaflops,
    unit: " GFLOP/s",
  },
  {
    what: "MLP step, time over PyTorch's",
    typescript: null,
    wasm: { says: "< 1×", atMost: 1 },
    measure: against("mlp", "pytorch"),
    unit: "×",
  },
  {
    what: "MLP step, jax-js's time over ours",
    typescript: null,
    wasm: atLeast(2.5, "×"),
    measure: fasterThan("mlp", "jax-js"),
    unit: "×",
  },
  {
    what: "largest error at mean 1e4, output and gradients, f32, in ulp of the largest value",
    typescript: atMost(1, " ulp"),
    wasm: atMost(4, " ulp"),
    measure: largestError,
    unit: " ulp",
  },
  {
    what: "memory of a step of LN 512×768 over that of its output and gradients",
    typescript: atMost(1.05, "×"),
    wasm: atMost(1.05, "×"),
    measure: memory,
    unit: "×",
  },
];

/** null: not measured, or no goal. */
export function isMet(target: Target | null, measured: number | null): boolean | null {
  if (target === null || measured === null) return null;
  return measured <= (target.atMost ?? Infinity) && measured >= (target.atLeast ?? -Infinity);
}

/** The part of WebAssembly that is used here: TypeScript knows it only in browsers' libraries. */
interface Validator {
  validate(bytes: Uint8Array<ArrayBuffer>): boolean;
}

/** A module with f32x4.relaxed_madd: valid where there is relaxed SIMD. */
function hasRelaxedSimd(): boolean {
  const header = [0, 97, 115, 109, 1, 0, 0, 0, 1, 4, 1, 96, 0, 0, 3, 2, 1, 0];
  const body = [10, 16, 1, 14, 1, 1, 0x7b, 0x20, 0, 0x20, 0, 0x20, 0, 0xfd, 0x85, 2, 0x1a, 0x0b];
  const { WebAssembly }: { readonly WebAssembly?: Validator; readonly Array: unknown } = globalThis;
  return WebAssembly?.validate(Uint8Array.from([...header, ...body])) ?? false;
}
