/** Part 8, second half: AdaIN gives one picture the colours of another. */
import { useEffect, useMemo, useRef } from "preact/hooks";
import type { JSX } from "preact";
import { adaptiveInstanceNorm, tensor } from "normgrad";
import type { Tensor } from "normgrad";
import { change } from "../navigate.ts";
import { state } from "../state.ts";
import { Slider } from "../ui/slider.tsx";

const SIDE = 64;
type Painter = (x: number, y: number) => readonly [red: number, green: number, blue: number];

/** A hill under a sky at noon. */
const day: Painter = (x, y) => {
  const hill = 0.62 + 0.12 * Math.sin(5 * x) + 0.05 * Math.sin(13 * x + 1);
  const sun = Math.exp(-60 * ((x - 0.72) ** 2 + (y - 0.25) ** 2));
  return y > hill
    ? [0.2 + 0.25 * y, 0.45 + 0.2 * (1 - y), 0.18]
    : [0.45 + 0.5 * sun, 0.66 + 0.3 * sun, 0.92 - 0.15 * y];
};
/** Bands of an evening. */
const dusk: Painter = (x, y) => {
  const wave = 0.5 + 0.5 * Math.sin(9 * y + 2 * Math.sin(4 * x));
  return [0.35 + 0.6 * wave, 0.12 + 0.38 * wave * y, 0.3 + 0.25 * (1 - wave)];
};

const picture = (paint: Painter): Tensor =>
  tensor(
    [0, 1, 2].map((channel) =>
      Array.from({ length: SIDE }, (_, row) =>
        Array.from({ length: SIDE }, (_, column) => paint(column / SIDE, row / SIDE)[channel] ?? 0),
      ),
    ),
  ).reshape([1, 3, SIDE, SIDE]);

const content = picture(day);
const style = picture(dusk);
const ALPHAS = Array.from({ length: 11 }, (_, i) => i / 10);

export function Adain(): JSX.Element {
  const { alpha } = state.value;
  // Only when alpha moves: the state moves with every edited cell.
  const result = useMemo(() => adaptiveInstanceNorm(content, style, { alpha }), [alpha]);
  return (
    <>
      <Slider
        label="How much of the style (alpha)"
        values={ALPHAS}
        value={alpha}
        onValue={(value) => change({ alpha: value }, "alpha")}
      />
      <div class="pictures">
        <Painting title="content" image={content} />
        <Painting title="style" image={style} />
        <Painting title="AdaIN" image={result} />
      </div>
    </>
  );
}

function Painting({ title, image }: { readonly title: string; readonly image: Tensor }): JSX.Element {
  const place = useRef<HTMLCanvasElement>(null);
  const means = image.mean([0, 2, 3]);
  const spreads = image.variance([0, 2, 3]).sqrt();
  useEffect(() => {
    const context = place.current?.getContext("2d");
    if (!context) return;
    const pixels = context.createImageData(SIDE, SIDE);
    const count = SIDE * SIDE;
    for (let i = 0; i < count; i++) {
      for (let channel = 0; channel < 3; channel++)
        pixels.data[4 * i + channel] = 255 * (image.data[channel * count + i] ?? 0);
      pixels.data[4 * i + 3] = 255;
    }
    context.putImageData(pixels, 0, 0);
  }, [image]);
  const list = (values: Tensor): string =>
    [...values.data].map((value, channel) => `${"RGB"[channel] ?? ""} ${value.toFixed(2)}`).join("  ");
  return (
    <figure>
      <canvas ref={place} width={SIDE} height={SIDE} role="img" aria-label={`the ${title} picture`} />
      <figcaption>
        <strong>{title}</strong>
        <br />
        means {list(means)}
        <br />
        deviations {list(spreads)}
      </figcaption>
    </figure>
  );
}
