/** What the page is about, at first sight: one row of four numbers, and the three ways back. */
import type { JSX } from "preact";
import { mapsOf, subjectOf } from "../model.ts";
import { presets, sceneState } from "../presets.ts";
import { signColour } from "../ui/colours.ts";
import { largest, short } from "../ui/numbers.ts";

const scene = presets.find(({ name }) => name === "why-zero")?.scenes.at(-1);

export function First(): JSX.Element | null {
  const now = scene && sceneState(scene);
  const subject = now && subjectOf(now);
  if (!subject) return null;
  const { direct, viaMean, viaVariance, gradInput } = mapsOf(now, subject);
  const most = largest(direct, viaMean, viaVariance, gradInput);
  const rows = [
    ["", "direct", "direct", direct],
    ["+", "via mean", "mean", viaMean],
    ["+", "via variance", "variance", viaVariance],
    ["=", "gradInput", "sum", gradInput],
  ] as const;
  return (
    <figure class="first">
      <table>
        <thead>
          <tr>
            <th scope="row">x</th>
            {now.x.map((value, cell) => (
              <th scope="col" key={cell}>
                {value}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map(([operator, words, path, values]) => (
            <tr key={words} class={path}>
              <th scope="row">
                <span class="operator" aria-hidden="true">
                  {operator}
                </span>
                {words}
              </th>
              {values.map((value, cell) => (
                <td key={cell} style={{ background: signColour(value, most) }}>
                  {short(value)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      <figcaption>LayerNorm of four numbers; the loss is the first output.</figcaption>
    </figure>
  );
}
