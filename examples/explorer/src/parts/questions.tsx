/** Part 3: questions as links, each answered in a paragraph and a picture. */
import { useEffect, useRef } from "preact/hooks";
import type { JSX } from "preact";
import { change } from "../navigate.ts";
import { presets } from "../presets.ts";
import type { Preset } from "../presets.ts";
import { state } from "../state.ts";
import { PartLink } from "./partLink.tsx";
import { Picture } from "./picture.tsx";

export function Questions(): JSX.Element {
  const open = presets.find(({ name }) => name === state.value.question);
  return (
    <section aria-labelledby="questions" class="questions">
      <h2 id="questions">Questions people ask</h2>
      <p class="lead">Each has an answer with a picture, and sets the page to its example.</p>
      <nav aria-label="Questions">
        <ul>
          {presets.map(({ name, question }) => (
            <li key={name}>
              <a href={`#${name}`} aria-current={open?.name === name ? "true" : undefined}>
                {question}
              </a>
            </li>
          ))}
        </ul>
      </nav>
      <div aria-live="polite">{open && <Answer preset={open} key={open.name} />}</div>
    </section>
  );
}

/** The focus goes to the question, not to nowhere. */
function close({ name }: Preset): void {
  change({ question: null });
  document.querySelector<HTMLElement>(`.questions a[href="#${name}"]`)?.focus();
}

function Answer({ preset }: { readonly preset: Preset }): JSX.Element {
  const place = useRef<HTMLElement>(null);
  // A link that was sent leads to its answer.
  useEffect(() => place.current?.scrollIntoView({ block: "start" }), []);
  return (
    <article class="answer" data-preset={preset.name} ref={place}>
      <h3>{preset.question}</h3>
      <p class="lead">{preset.answer}</p>
      <Picture preset={preset} />
      <p>
        {preset.next.before} <PartLink to={preset.next.part}>{preset.next.link}</PartLink>
        {preset.next.after}
      </p>
      <div>
        <button type="button" onClick={() => close(preset)}>
          Close the answer
        </button>
      </div>
    </article>
  );
}
