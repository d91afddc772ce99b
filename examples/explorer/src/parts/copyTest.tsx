/** What is on the page, as a test that a reader can run. */
import { useState } from "preact/hooks";
import type { JSX } from "preact";
import { asTest } from "../asTest.ts";
import { state } from "../state.ts";

export function CopyTest(): JSX.Element {
  const [told, setTold] = useState("");
  const [open, setOpen] = useState(false);
  const text = (open && asTest(state.value)) || "";
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(text);
      setTold("Copied.");
    } catch {
      setTold("The browser did not allow it: select the text below.");
    }
  };
  return (
    <details class="code" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>This page as a vitest test</summary>
      <button type="button" onClick={copy}>
        Copy
      </button>{" "}
      <span role="status">{told}</span>
      <pre tabIndex={0}>{text}</pre>
    </details>
  );
}
