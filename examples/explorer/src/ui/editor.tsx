/** A code editor. Tab leaves it, as everywhere on the page. */
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { javascript } from "@codemirror/lang-javascript";
import { HighlightStyle, syntaxHighlighting } from "@codemirror/language";
import { EditorState } from "@codemirror/state";
import { drawSelection, EditorView, keymap, lineNumbers } from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { useEffect, useRef } from "preact/hooks";
import type { JSX } from "preact";

interface EditorProps {
  readonly label: string;
  readonly value: string;
  readonly onValue: (value: string) => void;
}

const theme = EditorView.theme({
  "&": { color: "var(--ink)", backgroundColor: "var(--panel)", fontSize: "var(--step--1)" },
  ".cm-content": { fontFamily: "var(--mono)", caretColor: "var(--ink)" },
  ".cm-gutters": { backgroundColor: "transparent", color: "var(--quiet)", border: "0" },
  ".cm-cursor": { borderLeftColor: "var(--ink)" },
  "&.cm-focused": { outline: "2px solid var(--accent)", outlineOffset: "2px" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": {
    background: "color-mix(in oklab, var(--accent) 25%, transparent)",
  },
});

const colours = HighlightStyle.define([
  { tag: [tags.keyword, tags.operatorKeyword], color: "var(--variance)" },
  { tag: [tags.number, tags.string], color: "var(--direct)" },
  { tag: tags.comment, color: "var(--quiet)" },
  { tag: tags.propertyName, color: "var(--ink)" },
  { tag: tags.definition(tags.variableName), color: "var(--accent)" },
]);

export function Editor({ label, value, onValue }: EditorProps): JSX.Element {
  const place = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView | null>(null);
  const tell = useRef(onValue);
  tell.current = onValue;
  useEffect(() => {
    const { current } = place;
    if (!current) return;
    const extensions = [
      syntaxHighlighting(colours),
      lineNumbers(),
      history(),
      drawSelection(),
      EditorView.lineWrapping,
      keymap.of([...defaultKeymap, ...historyKeymap]),
      javascript(),
      theme,
      EditorView.contentAttributes.of({ "aria-label": label }),
      EditorView.updateListener.of((update) => {
        if (update.docChanged) tell.current(update.state.doc.toString());
      }),
    ];
    const made = new EditorView({ state: EditorState.create({ doc: value, extensions }), parent: current });
    view.current = made;
    return () => made.destroy();
  }, []);
  useEffect(() => {
    const { current } = view;
    // From outside: an example, or Back.
    const before = current?.state.doc.toString();
    if (current && before !== undefined && before !== value) {
      current.dispatch({ changes: { from: 0, to: before.length, insert: value } });
    }
  }, [value]);
  return <div ref={place} class="editor" />;
}
