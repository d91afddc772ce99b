/** A titled table with a note under it. */
import type { ComponentChildren, JSX } from "preact";

interface PanelProps {
  readonly title: string;
  readonly note: string;
  readonly children?: ComponentChildren;
}

export function Panel({ title, note, children }: PanelProps): JSX.Element {
  return (
    <div class="panel">
      <h4>{title}</h4>
      {children}
      <p class="note">{note}</p>
    </div>
  );
}
