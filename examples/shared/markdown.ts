/** A lesson as a Markdown document: the same parts as on its page. */
import type { Page, Part } from "./page.ts";
import { shown, textColumns } from "./text.ts";

/** @param name of the lesson's file: "05-batchSize" */
export function renderMarkdown(name: string, seed: number, { title, claim, source, parts }: Page): string {
  const number = name.slice(0, 2);
  const command = `npm run lesson ${number} -- --docs docs/lessons${seed === 1 ? "" : ` --seed ${seed}`}`;
  const head = `# ${number} ${inline(title)}

> **Claim:** ${inline(claim)}
>
> ${block(source)}

Made by \`${command}\`: the full run with seed ${seed} of [${name}.ts](../../examples/${name}.ts).
[For teachers](guide/${number}.md)`;
  return `${head}${parts.map((part, i) => between(part, parts[i - 1]) + render(part)).join("")}\n`;
}

/** Checks that follow each other are one list. */
function between(part: Part, before: Part | undefined): string {
  return part.kind === "check" && before?.kind === "check" ? "\n" : "\n\n";
}

function render(part: Part): string {
  switch (part.kind) {
    case "heading":
      return `## ${inline(part.text)}`;
    case "paragraph":
      return block(part.text);
    case "listing":
      return fenced(part.text);
    case "figure":
      return `![${inline(part.caption).replaceAll(/[[\]]/g, "\\$&")}](${part.file})\n\n_${inline(part.caption)}_`;
    case "check":
      return `- ${part.holds ? "✓" : "✗"} ${inline(part.text)}`;
    case "table": {
      const rule = textColumns(part.heads, part.rows).map((isText) => (isText ? "---" : "---:"));
      const rows = [part.heads.map(inline), rule, ...part.rows.map((row) => row.map((cell) => inline(shown(cell))))];
      return rows.map((row) => `| ${row.join(" | ")} |`).join("\n");
    }
  }
}

/** In a fence that is longer than any in the text. */
function fenced(text: string): string {
  const fence = "`".repeat(Math.max(3, ...Array.from(text.matchAll(/`+/g), ([ticks]) => ticks.length + 1)));
  return `${fence}text\n${text}\n${fence}`;
}

/** Text that means itself; an address becomes a link. */
function inline(text: string): string {
  return text
    .split(/(https?:\/\/[^\s,;)]+)/)
    .map((piece, i) => (i % 2 === 1 ? `<${piece}>` : piece.replaceAll(/[\\`*_<>|~]|\](?=[([])/g, "\\$&")))
    .join("");
}

/** The same where a line begins: "1." and "-" are no list there. */
function block(text: string): string {
  return inline(text)
    .replace(/^(\d+)([.)])(?=\s)/, "$1\\$2")
    .replace(/^[#+-]/, "\\$&");
}
