/** One mutant on one norm: what checkOp says of it, and what the other designs would. */
import { checkOp, OpFault } from "../../src/gradcheck/index.ts";
import type { CheckOpResult } from "../../src/gradcheck/index.ts";
import { FAULTS } from "../../src/gradcheck/fault.ts";
import type { Fault } from "../../src/gradcheck/fault.ts";
import { catalogue } from "./catalogue.ts";
import type { Pair } from "./catalogue.ts";
import { designs, isKilledBy } from "./designs.ts";
import { isEquivalent } from "./mutant.ts";
import type { Group, Mutant, NormName } from "./mutant.ts";

export const SEEDS = [1, 2, 3, 4, 5] as const;

export interface PairName {
  readonly mutant: string;
  readonly norm: NormName;
}

export interface Judged extends PairName {
  readonly group: Group;
  readonly planted: Fault;
  readonly equivalent: boolean;
  readonly killed: boolean;
  /** First and following diagnoses; null as long as checkOp makes none, or where it threw. */
  readonly diagnoses: readonly Fault[] | null;
  /** The report, or what was thrown. */
  readonly report: string;
  /** The share of the seeds with which each design finds it out. */
  readonly shares: readonly number[];
}

export const nameOf = ({ mutant, norm }: Pair): PairName => ({ mutant: mutant.name, norm });

export function pairOf({ mutant: name, norm }: PairName): Pair {
  const mutant = catalogue.find((candidate) => candidate.name === name);
  if (mutant === undefined) throw new RangeError(`pairOf: expected the name of a mutant, got "${name}"`);
  return { mutant, norm };
}

/** By checkOp alone. */
export function checkPair({ mutant, norm }: Pair, runs = 200): Omit<Judged, "shares"> {
  const { group, planted } = mutant;
  const told = { mutant: mutant.name, norm, group, planted, equivalent: isEquivalent(mutant, norm) };
  try {
    const { spec, second } = mutant.make(norm);
    const result = checkOp(norm, spec, { raiseException: false, runs, order: second ? 2 : 1 });
    return { ...told, killed: !result.ok, diagnoses: diagnosesOf(result), report: result.report };
  } catch (error) {
    if (!(error instanceof OpFault)) throw error;
    return { ...told, killed: true, diagnoses: null, report: `refused: ${error.message}` };
  }
}

export function judgePair(pair: Pair): Judged {
  const shares = designs.map((design) => {
    const killed = SEEDS.filter((seed) => isKilledBy(design, makeOf(pair.mutant, pair.norm), seed));
    return killed.length / SEEDS.length;
  });
  return { ...checkPair(pair), shares };
}

const makeOf = (mutant: Mutant, norm: NormName): ReturnType<Mutant["make"]> => mutant.make(norm);

const isFault = (name: unknown): name is Fault => typeof name === "string" && Object.hasOwn(FAULTS, name);

function diagnosesOf({ failure }: CheckOpResult): readonly Fault[] | null {
  if (failure === null || !("diagnosis" in failure) || !Array.isArray(failure.diagnosis)) return null;
  const found: readonly unknown[] = failure.diagnosis;
  return found.flatMap((diagnosis) =>
    typeof diagnosis === "object" && diagnosis !== null && "fault" in diagnosis && isFault(diagnosis.fault)
      ? [diagnosis.fault]
      : [],
  );
}
