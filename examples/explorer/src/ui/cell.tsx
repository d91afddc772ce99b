/** One cell of a table. It is drawn again only when something of it has changed: most cells stay when one is edited. */
import { Component } from "preact";
import type { ComponentChildren, JSX } from "preact";

interface CellProps {
  readonly cell: number;
  readonly gap: boolean;
  readonly looked: boolean;
  /** Of the cells that it shares its statistics with: they are marked together. */
  readonly set: number | undefined;
  readonly background: string;
  /** Read out. */
  readonly name: string;
  /** All digits. */
  readonly title: string;
  readonly text: string;
  /** An entry in place of the text. */
  readonly children?: ComponentChildren;
}

export class Cell extends Component<CellProps> {
  override shouldComponentUpdate(next: CellProps): boolean {
    const { gap, looked, set, background, name, title, text } = this.props;
    const same =
      gap === next.gap &&
      set === next.set &&
      looked === next.looked &&
      background === next.background &&
      title === next.title;
    return !same || name !== next.name || text !== next.text || Boolean(this.props.children || next.children);
  }

  override render({ cell, gap, looked, set, background, name, title, text, children }: CellProps): JSX.Element {
    return (
      <td
        role="gridcell"
        data-cell={cell}
        data-set={set}
        class={`${gap ? "gap" : ""}${looked ? " looked" : ""}${text.length > 5 ? " long" : ""}`}
        style={{ backgroundColor: background }}
        tabIndex={looked ? 0 : -1}
        aria-label={name}
        title={title}
      >
        {children || text}
      </td>
    );
  }
}
