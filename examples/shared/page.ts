/** The page of a lesson: what the terminal shows, and the figures, in one HTML file without anything outside of it. */
import { shown, textColumns } from "./text.ts";
import type { Cell } from "./text.ts";

export type Part =
  | { readonly kind: "heading" | "paragraph" | "listing"; readonly text: string }
  | { readonly kind: "table"; readonly heads: readonly string[]; readonly rows: readonly (readonly Cell[])[] }
  | { readonly kind: "figure"; readonly file: string; readonly svg: string; readonly caption: string }
  | { readonly kind: "check"; readonly text: string; readonly holds: boolean };

export interface Page {
  readonly title: string;
  readonly claim: string;
  readonly source: string;
  readonly parts: readonly Part[];
}

export function renderPage({ title, claim, source, parts }: Page): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escape(title)} – normgrad</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<h1>${escape(title)}</h1>
<p class="claim">${escape(claim)}<br><cite>${linked(source)}</cite></p>
${parts.map(render).join("\n")}
</main>
</body>
</html>
`;
}

function render(part: Part): string {
  switch (part.kind) {
    case "heading":
      return `<h2>${escape(part.text)}</h2>`;
    case "paragraph":
      return `<p>${escape(part.text)}</p>`;
    case "listing":
      return `<pre>${escape(part.text)}</pre>`;
    case "figure":
      return `<figure>${part.svg}<figcaption>${escape(part.caption)}</figcaption></figure>`;
    case "check":
      return `<p class="${part.holds ? "holds" : "fails"}">${part.holds ? "✓" : "✗"} ${escape(part.text)}</p>`;
    case "table": {
      const isText = textColumns(part.heads, part.rows);
      const heads = part.heads
        .map((head, i) => `<th scope="col"${isText[i] ? ' class="text"' : ""}>${escape(head)}</th>`)
        .join("");
      const rows = part.rows.map((row) => `<tr>${row.map(cell).join("")}</tr>`);
      return `<div class="scroll"><table><thead><tr>${heads}</tr></thead><tbody>${rows.join("")}</tbody></table></div>`;
    }
  }
}

function cell(value: Cell, column: number): string {
  if (column === 0) return `<th scope="row">${escape(shown(value))}</th>`;
  return `<td${typeof value === "string" ? ' class="text"' : ""}>${escape(shown(value))}</td>`;
}

function escape(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}

function linked(text: string): string {
  return escape(text).replaceAll(/https:\/\/[^\s,;)]+/g, (url) => `<a href="${url}">${url}</a>`);
}

const STYLE = `
:root { color-scheme: light dark; --ink: #1b1b1f; --soft: #5c5c66; --line: #d9d9e0; --paper: #fff; --good: #006d4a; --bad: #b3261e; }
@media (prefers-color-scheme: dark) { :root { --ink: #ececf1; --soft: #a5a5b0; --line: #3a3a42; --paper: #17171b; --good: #5fd3a8; --bad: #ff8a80; } }
body { margin: 0; background: var(--paper); color: var(--ink); font: 18px/1.55 system-ui, sans-serif; }
main { max-width: 68rem; margin: 0 auto; padding: 2.5rem 1.25rem 4rem; }
h1 { font-size: 2rem; line-height: 1.2; margin: 0 0 .5rem; } h2 { font-size: 1.25rem; margin: 2rem 0 .5rem; }
p { max-width: 44rem; } .claim { border-left: 4px solid var(--line); padding-left: .9rem; } cite { color: var(--soft); font-size: .875rem; }
.holds { color: var(--good); } .fails { color: var(--bad); font-weight: 600; }
.scroll { overflow-x: auto; } table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { text-align: right; padding: .2rem 1.1rem .2rem 0; border-bottom: 1px solid var(--line); font-weight: 400; white-space: nowrap; }
thead th { color: var(--soft); font-size: .875rem; } th:first-child, .text { text-align: left; }
figure { margin: 1.5rem 0; overflow-x: auto; } figure svg { max-width: 100%; height: auto; } figcaption { color: var(--soft); font-size: .875rem; }
pre { overflow-x: auto; padding: .75rem 1rem; border: 1px solid var(--line); border-radius: .5rem; font: 15px/1.5 ui-monospace, monospace; }
`;
