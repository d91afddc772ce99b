/** Everyone on every case, taking turns, so that what disturbs the machine disturbs all. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Case } from "./cases.ts";
import type { ContestantName } from "./contestants/names.ts";
import { mlpParameters } from "./data.ts";
import type { Absence, Measurement } from "./measurement.ts";
import { reference } from "./reference.ts";
import { runTask } from "./run.ts";
import type { Tools } from "./run.ts";
import { TABLES } from "./settings.ts";
import type { Settings, TableName } from "./settings.ts";
import { errorOf } from "./statistics.ts";
import type { ErrorOf } from "./statistics.ts";
import type { Answer } from "./task.ts";

/** A larger error, relative to the largest value, is another op. */
const WRONG = 1e-2;
/** A process that takes longer is not repeated, nor is a larger case of the curve tried. */
const SLOW_SECONDS = 10;
/** js-pytorch's ReLU lets a thousandth of what is negative through. Everything else it does is compared as it is. */
const LEAK = 1e-3;
/** An odd shape is compared to other shapes of the same contestant, so that fewer rounds do. */
const FEWER_ROUNDS = 2;
const ROUNDS: Readonly<Record<TableName, number>> = { times: Infinity, accuracy: 1, shapes: FEWER_ROUNDS, sizes: 1 };

/** Who takes part where: shapes are about this library, and the curve leaves out who would take minutes. */
function takesPart(table: TableName, contestant: ContestantName): boolean {
  if (table === "shapes") return contestant.startsWith("normgrad") || contestant === "c" || contestant === "pytorch";
  return true;
}

export interface Turn {
  readonly table: TableName;
  readonly case: Case;
  readonly contestant: ContestantName;
  readonly round: number;
}

/** All turns of a run. Each round begins with another contestant. */
export function turnsOf({ cases, contestants, rounds }: Settings): readonly Turn[] {
  return TABLES.flatMap((table) => {
    const taking = contestants.filter((contestant) => takesPart(table, contestant));
    return Array.from({ length: Math.min(rounds, ROUNDS[table]) }, (_, round) =>
      cases[table].flatMap((measured) =>
        taking.map((_, i) => {
          const contestant = taking[(i + round) % taking.length];
          return contestant === undefined ? [] : [{ table, case: measured, contestant, round }];
        }),
      ),
    ).flat(2);
  });
}

export interface Listener {
  readonly onTurn: (turn: Turn) => void;
  readonly onMeasured: (measurement: Measurement) => void;
  readonly onAbsence: (absence: Absence) => void;
}

export async function measureAll(
  settings: Settings,
  tools: Tools,
  folder: string,
  { onTurn, onMeasured, onAbsence }: Listener,
  signal: AbortSignal,
): Promise<void> {
  const gone = new Set<string>();
  const file = join(folder, "results.bin");
  const right = new Cached();
  for (const turn of turnsOf(settings)) {
    if (signal.aborted) return;
    onTurn(turn);
    const { table, case: measured, contestant, round } = turn;
    const place = `${table} ${measured.id} ${contestant}`;
    const curve = `sizes ${contestant}`;
    if (gone.has(contestant) || gone.has(place) || (table === "sizes" && gone.has(curve))) continue;
    const absent = (missing: Absence["missing"], reason: string): void => {
      gone.add(missing === "contestant" ? contestant : place);
      onAbsence({ table, case: measured.id, contestant, missing, reason });
    };
    const checks = round === 0 && table !== "sizes";
    const seconds = table === "accuracy" ? 0 : settings.seconds;
    const start = performance.now();
    const asked = { seconds, results: checks ? file : null };
    const answer: Answer = await runTask(contestant, measured, asked, tools, { limit: settings.limit, signal });
    if (signal.aborted) return;
    if ("missing" in answer) {
      absent(answer.missing, answer.reason);
      if (table === "sizes") gone.add(curve);
      continue;
    }
    const errors = checks ? errorsOf(measured, floatsIn(file), right.of(measured, contestant)) : null;
    const worst = errors ? Math.max(errors.output.relative, errors.gradients.relative) : 0;
    if (table !== "accuracy" && !(worst <= WRONG)) {
      absent("wrong", `error ${worst.toExponential(1)}`);
      continue;
    }
    const { cpu, wall, ...rest } = answer;
    onMeasured({ table, case: measured.id, contestant, round, errors, ...rest, cpu: cpu ?? NaN, wall: wall ?? NaN });
    if (performance.now() - start > SLOW_SECONDS * 1000) gone.add(table === "sizes" ? curve : place);
  }
}

/** The reference of the last case: turns come case by case. */
class Cached {
  #id = "";
  #arrays: readonly Float64Array[] = [];

  of(measured: Case, contestant: ContestantName): readonly Float64Array[] {
    const slope = contestant === "js-pytorch" ? LEAK : 0;
    const id = JSON.stringify([measured, slope]);
    if (id !== this.#id) this.#arrays = reference(measured, slope);
    this.#id = id;
    return this.#arrays;
  }
}

function floatsIn(file: string): Float64Array {
  const { buffer, byteOffset, byteLength } = readFileSync(file);
  return new Float64Array(buffer.slice(byteOffset, byteOffset + byteLength));
}

/** Of a training step, the errors of what changed: the first weights hide a small step. */
function errorsOf(
  measured: Case,
  got: Float64Array,
  expected: readonly Float64Array[],
): { readonly output: ErrorOf; readonly gradients: ErrorOf } {
  const start = measured.op === "mlp" ? mlpParameters(measured).map(({ data }) => data) : [];
  const total = expected.reduce((sum, { length }) => sum + length, 0);
  const wrongLength = { relative: got.length === total ? 0 : NaN, ulp: got.length === total ? 0 : NaN };
  let offset = 0;
  const all = expected.map((array, i) => {
    const own = got.subarray(offset, (offset += array.length));
    const before = start[i];
    if (before === undefined) return errorOf(own, array);
    const change = (value: number, k: number): number => value - (before[k] ?? 0);
    return errorOf(own.map(change), array.map(change));
  });
  const worst = (errors: readonly ErrorOf[]): ErrorOf => ({
    relative: Math.max(wrongLength.relative, ...errors.map(({ relative }) => relative)),
    ulp: Math.max(wrongLength.ulp, ...errors.map(({ ulp }) => ulp)),
  });
  return { output: worst(all.slice(0, 1)), gradients: worst(all.slice(1)) };
}
