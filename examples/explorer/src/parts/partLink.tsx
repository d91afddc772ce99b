/** A link to a part of the page. What is shown stays as it is; the link's own address can be sent. */
import type { ComponentChildren, JSX } from "preact";
import { goTo } from "../goTo.ts";
import type { PartName } from "../partNames.ts";

interface PartLinkProps {
  readonly to: PartName;
  readonly class?: string;
  readonly children: ComponentChildren;
}

export function PartLink({ to, class: name, children }: PartLinkProps): JSX.Element {
  const onClick = (event: MouseEvent): void => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    void goTo(to);
  };
  return (
    <a href={`#${to}`} class={name} onClick={onClick}>
      {children}
    </a>
  );
}
