/** The page, from top to bottom. */
import type { JSX } from "preact";
import { goTo, Later } from "./later.tsx";
import { notice } from "./state.ts";
import { First } from "./parts/first.tsx";
import { Partition } from "./parts/partition.tsx";
import { Questions } from "./parts/questions.tsx";
import { Watch } from "./parts/watch.tsx";

/** The parts, by the ids of their headings. */
const PARTS = [
  ["part-1", "Shared statistics"],
  ["part-2", "Forward and backward"],
  ["part-4", "Break it"],
  ["part-5", "The tape"],
  ["part-6", "Batch size"],
  ["part-8", "SwitchableNorm"],
  ["part-7", "Your own backward"],
  ["part-8b", "AdaIN"],
] as const;

export function App(): JSX.Element {
  return (
    <>
      <header>
        <div>
          <p class="brand">normgrad</p>
          <h1>Where a norm’s gradient comes from</h1>
          <p class="lead">
            A normalization has three ways back from the loss to its input: <strong class="direct">directly</strong>,{" "}
            <strong class="mean">through the mean</strong> and <strong class="variance">through the variance</strong>.
            Here they are, number by number. Every value is computed in your browser by functions of the library, which
            you can call yourself.
          </p>
        </div>
        <First />
        <nav class="parts" aria-label="Parts of this page">
          {PARTS.map(([heading, words]) => (
            <button type="button" class="link" key={heading} onClick={() => void goTo(heading)}>
              {words}
            </button>
          ))}
        </nav>
      </header>
      <p class="notice" role="alert" hidden={notice.value === ""}>
        {notice.value}
      </p>
      <main>
        <Questions />
        <Partition />
        <Watch />
        <Later load={async () => (await import("./parts/breakIt.tsx")).BreakIt} />
        <Later load={async () => (await import("./parts/tapeView.tsx")).TapeView} />
        <Later load={async () => (await import("./parts/training.tsx")).TrainingPart} />
        <Later load={async () => (await import("./parts/ownBackward.tsx")).OwnBackward} />
        <Later load={async () => (await import("./parts/adain.tsx")).Adain} />
      </main>
      <footer>
        <p>
          Nothing that you enter leaves the browser. The address holds what you see: send it, and the other one sees the
          same.
        </p>
      </footer>
    </>
  );
}
