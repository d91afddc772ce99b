/**
 * A part of the page. Its heading and its text are there at once, so that they are found and printed; what is heavy in it is
 * loaded when it comes near the screen, when the focus reaches its place, before printing, or when someone asks for a part.
 */
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import type { ComponentChildren, ComponentType, JSX } from "preact";
import { waiting } from "./goTo.ts";
import type { PartName } from "./partNames.ts";
import { whenNear } from "./ui/whenNear.ts";

interface PartProps {
  readonly id: PartName;
  readonly title: string;
  readonly lead: ComponentChildren;
  readonly load: () => Promise<ComponentType>;
}

const FOCUSABLE = "button:not(:disabled), a[href], input, select, textarea, summary, [tabindex='0']";

export function Part({ id, title, lead, load }: PartProps): JSX.Element {
  return (
    <section aria-labelledby={id}>
      <h2 id={id}>{title}</h2>
      <p class="lead">{lead}</p>
      <Later title={title} load={load} />
    </section>
  );
}

function Later({ title, load }: Pick<PartProps, "title" | "load">): JSX.Element {
  const place = useRef<HTMLDivElement>(null);
  const [part, setPart] = useState<{ readonly Body: ComponentType } | null>(null);
  const wasFocused = useRef(false);
  const show = useCallback(async (): Promise<void> => {
    waiting.delete(show);
    setPart({ Body: await load() });
  }, []);
  useEffect(() => {
    const { current } = place;
    if (!current) return undefined;
    waiting.add(show);
    const stop = whenNear(current, show);
    return () => {
      waiting.delete(show);
      stop();
    };
  }, []);
  // The keys go on where they were: in what has come in the button's place.
  useEffect(() => {
    if (part && wasFocused.current) place.current?.querySelector<HTMLElement>(FOCUSABLE)?.focus();
  }, [part]);
  return (
    <div ref={place} class={part ? "body" : "body later"} aria-busy={part === null}>
      {part ? (
        <part.Body />
      ) : (
        <button
          type="button"
          class="link"
          onFocus={() => {
            wasFocused.current = true;
            void show();
          }}
          onBlur={() => (wasFocused.current = false)}
          onClick={() => void show()}
        >
          Show “{title}”
        </button>
      )}
    </div>
  );
}
