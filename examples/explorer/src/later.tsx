/** A part that is loaded when it comes near the screen. */
import { useEffect, useRef, useState } from "preact/hooks";
import type { ComponentType, JSX } from "preact";
import { whenNear } from "./ui/whenNear.ts";

interface LaterProps {
  readonly load: () => Promise<ComponentType>;
}

export function Later({ load }: LaterProps): JSX.Element {
  const place = useRef<HTMLDivElement>(null);
  const [part, setPart] = useState<{ readonly Part: ComponentType } | null>(null);
  useEffect(() => {
    const { current } = place;
    return current ? whenNear(current, async () => setPart({ Part: await load() })) : undefined;
  }, []);
  return part ? <part.Part /> : <div ref={place} class="later" aria-busy="true" />;
}
