/** What stands in arrays, plain objects, Maps and Sets, nested as they may be. */

/** What a container holds; nothing of an object of a class, whose insides are its own. */
export function entriesOf(value: object): Iterable<readonly [key: unknown, entry: unknown]> {
  if (Array.isArray(value) || value instanceof Map) return value.entries();
  if (value instanceof Set) return [...value].entries();
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null ? Object.entries(value) : [];
}

/** Everything of a kind in the attributes of an object, by its path: `layers.0`, `heads.left`. */
export function heldIn<T>(holder: object, isKind: (value: object) => value is T & object): [path: string, value: T][] {
  const found: [string, T][] = [];
  // `within` are the containers around a value: one that holds itself ends there.
  const collect = (path: string, value: unknown, within: readonly unknown[]): void => {
    if (typeof value !== "object" || value === null || within.includes(value)) return;
    if (isKind(value)) {
      found.push([path, value]);
      return;
    }
    const inside = [...within, value];
    for (const [key, entry] of entriesOf(value)) collect(`${path}.${String(key)}`, entry, inside);
  };
  for (const [name, value] of Object.entries(holder)) collect(name, value, []);
  return found;
}
