/** A part that is loaded when it comes near the screen, or when someone asks for a part. */
import { useEffect, useRef, useState } from "preact/hooks";
import type { ComponentType, JSX } from "preact";
import { whenNear } from "./ui/whenNear.ts";

interface LaterProps {
  readonly load: () => Promise<ComponentType>;
}

const waiting = new Set<() => Promise<void>>();

export function Later({ load }: LaterProps): JSX.Element {
  const place = useRef<HTMLDivElement>(null);
  const [part, setPart] = useState<{ readonly Part: ComponentType } | null>(null);
  useEffect(() => {
    const { current } = place;
    if (!current) return undefined;
    const show = async (): Promise<void> => {
      waiting.delete(show);
      setPart({ Part: await load() });
    };
    waiting.add(show);
    const stop = whenNear(current, show);
    return () => {
      waiting.delete(show);
      stop();
    };
  }, []);
  return part ? <part.Part /> : <div ref={place} class="later" aria-busy="true" />;
}

/** Goes to a part by the id of its heading. All parts are loaded first, so that it stays where it is found. */
export async function goTo(heading: string): Promise<void> {
  await Promise.all([...waiting].map((show) => show()));
  await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
  const found = document.getElementById(heading);
  if (!found) return;
  found.tabIndex = -1;
  found.focus({ preventScroll: true });
  found.closest("section")?.scrollIntoView({ block: "start" });
}
