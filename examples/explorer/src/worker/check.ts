/** Checks a backward that a visitor wrote. Made from a blob by `checker.ts`, so that it inherits the page's policy. */
import { checkOp } from "normgrad/gradcheck";

/** Enough to meet each trap, and few enough for a check while one types. */
const RUNS = 60;

onmessage = ({ data }: MessageEvent<string>) => {
  postMessage(judged(data));
};

// A module is ready some time after it was made: what is sent before that would be lost.
postMessage({ ready: true });

function judged(code: string): object {
  try {
    // What is run is what the visitor has typed, in a worker without a network.
    // oxlint-disable-next-line no-new-func -- this is an editor for code
    const spec = new Function(`"use strict"; return (${code}\n);`)();
    const { ok, report, failure } = checkOp("yours", spec, { runs: RUNS, raiseException: false });
    const [first] = failure?.diagnosis ?? [];
    return { ok, report, fault: first?.fault ?? null, evidence: first?.evidence ?? null };
  } catch (error) {
    return { problem: error instanceof Error ? `${error.name}: ${error.message}` : String(error) };
  }
}
