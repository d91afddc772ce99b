/** Colours that carry numbers. Each is mixed into the surface, so that the ink stays readable, light or dark. */
import { interpolateSinebow, schemeRdBu, schemeSet2 } from "d3-scale-chromatic";

const [RED = "#b2182b", BLUE = "#2166ac"] = [schemeRdBu[10]?.[1], schemeRdBu[10]?.[8]];

/** Blue for positive, red for negative, nothing for zero. */
export function signColour(value: number, most: number): string {
  if (!(most > 0) || !Number.isFinite(value)) return "var(--cell)";
  const share = Math.min(1, Math.abs(value) / most) ** 0.8;
  return `color-mix(in oklab, ${value < 0 ? RED : BLUE} ${Math.round(share * 46)}%, var(--cell))`;
}

/** Few sets have the colours of a map; many are spread around the circle. The number of the set is written beside it. */
export function setColour(set: number, sets: number): string {
  const hue = sets <= schemeSet2.length ? schemeSet2[set] : interpolateSinebow((set * 0.381_966) % 1);
  return `color-mix(in oklab, ${hue ?? "gray"} var(--set-share), var(--cell))`;
}
