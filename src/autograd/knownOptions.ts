/** Options that a function does not have: misspelt ones, and PyTorch's names, would be ignored. Imports nothing. */

/** "options out of lr, momentum, got Momentum, which is momentum here", or null where all of them are known. */
export function unknownOption(options: object, known: readonly string[]): string | null {
  for (const option in options) {
    if (known.includes(option)) continue;
    const meant = known.find((name) => plain(name) === plain(option));
    const hint = meant === undefined ? "" : `, which is ${meant} here`;
    return `options out of ${known.join(", ")}, got ${option}${hint}`;
  }
  return null;
}

/** weight_decay and weightDecay are the same. */
function plain(name: string): string {
  return name.replaceAll("_", "").toLowerCase();
}
