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

export function OwnBackward(): JSX.Element {
  const code = state.value.code ?? examples[0].code;
  const [result, setResult] = useState<Result | null>(null);
  useEffect(() => {
    setResult(null);
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
  }, [code]);
  const write = (next: string, kind: string | null): void => {
    if (next !== code) change({ code: next === examples[0].code ? null : next }, kind);
  };
  return (
    <section aria-labelledby="part-7">
      <h2 id="part-7">Write your own backward</h2>
      <p class="lead">
        A forward as a formula, and a backward as plain loops, of any op. checkOp draws shapes and values, compares with
        the exact gradient, and says what is probably wrong. The code runs in a worker of your browser and is sent
        nowhere.
      </p>
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
        <div role="status" class="judged">
          <Verdict result={result} />
        </div>
      </div>
    </section>
  );
}

function Verdict({ result }: { readonly result: Result | null }): JSX.Element {
  if (result === null) return <p class="note">Checking …</p>;
  if ("problem" in result) return <p class="verdict wrong">✗ {result.problem}</p>;
  return (
    <>
      <p class={`verdict ${result.ok ? "right" : "wrong"}`}>
        {result.ok ? "✓ Right in every case that was drawn." : `✗ ${result.fault ?? "wrong"}: ${result.evidence ?? ""}`}
      </p>
      <div class="code">
        <pre tabIndex={0}>{result.report}</pre>
      </div>
    </>
  );
}
