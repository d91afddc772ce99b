/** Runs a visitor's code in a worker of its own, which ends with the check or with the time limit. */
import url from "./worker/check.ts?worker&url";

export interface Judged {
  readonly ok: boolean;
  readonly report: string;
  readonly fault: string | null;
  /** What the fault is, as a sentence. */
  readonly words: string | null;
  readonly evidence: string | null;
}

interface Answer extends Partial<Judged> {
  readonly ready?: boolean;
  readonly problem?: string;
}

export const TIME_LIMIT = 8000;

export interface Check {
  readonly result: Promise<Judged | { readonly problem: string }>;
  readonly stop: () => void;
}

export function check(code: string): Check {
  const source = `import ${JSON.stringify(new URL(url, location.href).href)};`;
  const blob = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
  const worker = new Worker(blob, { type: "module" });
  let timer: ReturnType<typeof setTimeout> | undefined;
  const stop = (): void => {
    clearTimeout(timer);
    worker.terminate();
    URL.revokeObjectURL(blob);
  };
  const result = new Promise<Judged | { readonly problem: string }>((resolve) => {
    const end = (answer: Judged | { readonly problem: string }): void => {
      stop();
      resolve(answer);
    };
    worker.addEventListener("message", ({ data }: MessageEvent<Answer>) => {
      const { ready, problem, ok = false, report = "", fault = null, words = null, evidence = null } = data;
      if (ready) {
        // Only now: the time for loading the page's own code is not the visitor's.
        timer = setTimeout(
          () => end({ problem: `Stopped after ${TIME_LIMIT / 1000} seconds: is there an endless loop?` }),
          TIME_LIMIT,
        );
        worker.postMessage(code);
      } else end(problem === undefined ? { ok, report, fault, words, evidence } : { problem });
    });
    worker.addEventListener("error", ({ message }) => end({ problem: message || "The worker could not be started." }));
  });
  return { result, stop };
}
