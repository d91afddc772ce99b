/** The lessons of examples/, as tests read them. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "./cli.ts";

export interface LessonFile {
  /** "05" */
  readonly number: string;
  /** "05-batchSize" */
  readonly name: string;
  readonly title: string;
  readonly source: string;
}

export const lessonFiles: readonly LessonFile[] = readdirSync(join(ROOT, "examples"))
  .filter((file) => /^\d\d-\w+\.ts$/.test(file))
  .toSorted()
  .map((file) => {
    const source = readFileSync(join(ROOT, "examples", file), "utf8");
    return { number: file.slice(0, 2), name: file.slice(0, -3), title: textOf(source, "title"), source };
  });

/** What a lesson says of itself as `title: "…"`. */
export function textOf(source: string, key: "title" | "claim"): string {
  return new RegExp(`\\b${key}:\\s*"([^"]+)"`).exec(source)?.[1] ?? "";
}
