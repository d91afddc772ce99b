/** Where the library throws, read from its source, and where an error comes from, read from its stack. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

export interface ThrowSite {
  /** src/norms/layerNorm.ts:240 */
  readonly place: string;
  /** The statement's first line. */
  readonly text: string;
  /** How far up the stack the statement stands: 0, or 1 where a function makes the error. */
  readonly frame: number;
}

const ROOT = join(import.meta.dirname, "../..");

/** The throw statements of a source text; words in comments are none. */
export function throwsIn(path: string, source: string): ThrowSite[] {
  return source.split("\n").flatMap((line, i) => {
    const code = line.replace(/^\s*(\/?\*|\/\/).*|\/\/ .*/, "");
    const statement = /(?:^|[\s;{)])throw (.*)/.exec(code);
    if (!statement) return [];
    return [{ place: `${path}:${i + 1}`, text: line.trim(), frame: statement[1]?.startsWith("new ") ? 0 : 1 }];
  });
}

/** All throw statements of the given folders of src. */
export function throwSites(folders: readonly string[]): ThrowSite[] {
  return folders.flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" })
      .filter((path) => path.endsWith(".ts"))
      .flatMap((path) => throwsIn(join(folder, path), readFileSync(join(ROOT, folder, path), "utf8"))),
  );
}

/** The place of a frame of an error's stack, counted from the top. */
export function placeOf(error: Error, frame: number): string | null {
  const { stack = "", message } = error;
  const frames = stack.slice(stack.indexOf(message) + message.length).matchAll(/^ +at (?:.*\()?(.+:\d+):\d+\)?$/gm);
  const place = Array.from(frames, (match) => match[1])[frame];
  return place?.replace("file://", "").replace(`${ROOT}/`, "") ?? null;
}

/** The site that threw an error, if it is one of these. */
export function siteOf(error: Error, sites: readonly ThrowSite[]): ThrowSite | undefined {
  return sites.find(({ place, frame }) => placeOf(error, frame) === place);
}
