/** Compiles the C contestant with what this machine has, and looks for a Python with torch. */
import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** Paths of two programs. */
export interface Compiled {
  readonly float32: string;
  readonly float64: string;
  readonly compiler: string;
}

/** -ffast-math lets the compiler reorder sums: without it they are not vectorized. */
const FLAGS = ["-O3", "-march=native", "-ffast-math"] as const;

/** null if there is no compiler. */
export function compileC(folder: string): Compiled | null {
  mkdirSync(folder, { recursive: true });
  const source = fileURLToPath(new URL("contestants/norm.c", import.meta.url));
  for (const compiler of ["clang", "cc"]) {
    const [float32, float64] = [join(folder, "norm-float32"), join(folder, "norm-float64")];
    const compile = (real: string, to: string): string | null =>
      quietly(compiler, [...FLAGS, `-DREAL=${real}`, source, "-o", to, "-lm"]);
    if (compile("float", float32) === null || compile("double", float64) === null) continue;
    const [version = compiler] = (quietly(compiler, ["--version"]) ?? "").split("\n");
    return { float32, float64, compiler: `${version} ${FLAGS.join(" ")}` };
  }
  return null;
}

/** The first Python that has torch, or null. */
export function findPython(): string | null {
  const candidates = [process.env["NORMGRAD_PYTHON"], "python3", "/usr/bin/python3"];
  const hasTorch = (python: string): boolean => quietly(python, ["-c", "import torch, numpy"]) !== null;
  return candidates.find((python) => python !== undefined && hasTorch(python)) ?? null;
}

function quietly(program: string, args: readonly string[]): string | null {
  try {
    return execFileSync(program, [...args], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
  } catch {
    return null;
  }
}
