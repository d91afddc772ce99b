/** A formula in type. KaTeX writes MathML beside it, which screen readers read; it is loaded when one comes near the screen. */
import { useEffect, useRef } from "preact/hooks";
import type { JSX } from "preact";
import { waiting } from "../goTo.ts";
import { whenNear } from "./whenNear.ts";

interface FormulaProps {
  readonly label: string;
  readonly tex: string;
}

export function Formula({ label, tex }: FormulaProps): JSX.Element {
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const { current } = place;
    if (!current) return undefined;
    let left = false;
    const show = async (): Promise<void> => {
      waiting.delete(show);
      const [{ render }] = await Promise.all([import("katex"), import("katex/dist/katex.min.css")]);
      // htmlClass gives terms the colours of the maps; the formulas are ours, not a visitor's.
      const trust = ({ command }: { readonly command: string }): boolean => command === "\\htmlClass";
      if (!left) render(tex, current, { displayMode: true, trust, strict: false });
    };
    waiting.add(show);
    const stop = whenNear(current, show);
    return () => {
      left = true;
      waiting.delete(show);
      stop();
    };
  }, [tex]);
  return <div ref={place} class="formula" tabIndex={0} role="region" aria-label={label} />;
}
