/** Part 7: a backward of one's own, checked while one types. */
import { useEffect, useState } from "preact/hooks";
import type { JSX } from "preact";
import { check } from "../checker.ts";
import type { Judged } from "../checker.ts";
import { change } from "../navigate.ts";
import { examples } from "../ownExamples.ts";
import { state } from "../state.ts";
import { Editor } from "../ui/editor.tsx";

type Result = Judged | { readonly problem: string };

/** After the last key. */
const PAUSE = 500;

/** Code that was typed here, is ours, or was allowed to run. What an address brings is none of these. */
const allowed = new Set(examples.map(({ code }) => code));

export function OwnBackward(): JSX.Element {
  const code = state.value.code ?? examples[0].code;
  const [result, setResult] = useState<Result | null>(null);
  const [, setAsked] = useState(0);
  const isAllowed = allowed.has(code);
  useEffect(() => {
    setResult(null);
    if (!isAllowed) return undefined;
    let stop = (): void => undefined;
    const timer = setTimeout(() => {
      const running = check(code);
      ({ stop } = running);
      void running.result.then(setResult);
    }, PAUSE);
    return () => {
      clearTimeout(timer);
      stop();
    };
  }, [code, isAllowed]);
  const write = (next: string, kind: string | null): void => {
    if (next === code) return;
    allowed.add(next);
    change({ code: next === examples[0].code ? null : next }, kind);
  };
  const allow = (): void => {
    allowed.add(code);
    setAsked((count) => count + 1);
  };
  return (
    <>
      <div class="buttons" role="group" aria-label="Begin with">
        {examples.map((example) => (
          <button
            type="button"
            key={example.words}
            aria-pressed={code === example.code}
            onClick={() => write(example.code, null)}
          >
            {example.words}
          </button>
        ))}
      </div>
      <div class="bench even">
        <Editor label="Your forward and backward, in JavaScript" value={code} onValue={(next) => write(next, "code")} />
        <div class="judged">
          <div role="status">
            {isAllowed ? (
              <Verdict result={result} />
            ) : (
              <p>This address brings code of its own, which has not been run. Read it first.</p>
            )}
          </div>
          {!isAllowed && (
            <div>
              <button type="button" class="primary" onClick={allow}>
                Run it
              </button>
            </div>
          )}
          {isAllowed && result && "report" in result && <Log report={result.report} ok={result.ok} />}
        </div>
      </div>
    </>
  );
}

function Verdict({ result }: { readonly result: Result | null }): JSX.Element {
  if (result === null) return <p class="note">Checking …</p>;
  if ("problem" in result) {
    return (
      <>
        <p class="verdict wrong">✗ {result.problem}</p>
        {result.problem.startsWith("SyntaxError") && (
          <p class="note">
            The editor takes one expression: an object in brackets, ({"{"} dims, inputs, forward, backward {"}"}), as in
            the examples. Declarations go into its functions.
          </p>
        )}
      </>
    );
  }
  if (result.ok) return <p class="verdict right">✓ Right in every case that was drawn.</p>;
  const { fault, words, evidence } = result;
  return (
    <>
      <p class="verdict wrong headline">
        ✗ {words ? `${words.charAt(0).toUpperCase()}${words.slice(1)}.` : "A gradient is wrong."}
      </p>
      <p class="note">
        {fault && fault !== "missing" && `checkOp calls it “${fault}”. `}
        {evidence && `What was seen: ${evidence}.`}
      </p>
    </>
  );
}

/** All that checkOp says, folded: it is written for those who have the library. */
function Log({ report, ok }: { readonly report: string; readonly ok: boolean }): JSX.Element {
  return (
    <details class="code">
      <summary>The report of checkOp, in full</summary>
      {!ok && (
        <p class="note">
          It names the smallest case that fails; “shrinks” counts the steps by which it was made smaller. In the map of
          the error a character is a number of the gradient: “.” is right, “%” is wrong, “@” is the most wrong, “?” was
          not judged. An ulp is the distance to the next double. The call after “replay” runs this very case again, for
          those who have the library installed.
        </p>
      )}
      <pre tabIndex={0}>{report}</pre>
    </details>
  );
}
