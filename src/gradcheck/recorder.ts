/**
 * How `normgrad check` sees the checkOp calls of a file: it puts a recorder on globalThis, where checkOp of another copy of
 * this package finds it as well, and every result goes there instead of being thrown.
 *
 * Generic in the result, since checkOp owns that type and imports this file.
 */
const KEY: unique symbol = Symbol.for("normgrad.gradcheck.recorder");

/** What the command line may set for every op. */
export interface Overrides {
  readonly seed?: number;
  readonly runs?: number;
}

export interface Recorder<Result> {
  /** They beat the options of the call. */
  readonly overrides: Overrides;
  readonly onResult: (result: Result) => void;
  /** The check of this op could not be carried out; the error is thrown on after this. */
  readonly onFault: (name: string, error: unknown) => void;
}

/** Until the returned function is called, results go to this recorder. */
export function startRecording<Result>(recorder: Recorder<Result>): () => void {
  Reflect.set(globalThis, KEY, recorder);
  return () => {
    Reflect.deleteProperty(globalThis, KEY);
  };
}

interface Options extends Overrides {
  readonly path?: string;
  readonly raiseException?: boolean;
}

/** Runs a check as its caller asked for it, or, while there is a recorder, as that one asks. */
export function recorded<Given extends Options, Result>(
  name: string,
  options: Given,
  check: (options: Given) => Result,
): Result {
  const recorder: unknown = Reflect.get(globalThis, KEY);
  if (!isRecorder<Result>(recorder)) return check(options);
  const { overrides } = recorder;
  const fromStart = overrides.seed === undefined ? {} : { path: "" }; // a path belongs to the seed of the call
  try {
    const result = check({ ...options, ...overrides, ...fromStart, raiseException: false });
    recorder.onResult(result);
    return result;
  } catch (error) {
    recorder.onFault(name, error);
    throw error;
  }
}

function isRecorder<Result>(value: unknown): value is Recorder<Result> {
  return typeof value === "object" && value !== null && "onResult" in value && "onFault" in value;
}
