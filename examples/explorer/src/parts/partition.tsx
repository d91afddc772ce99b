/** Part 1: pick a norm, and see which cells share their mean and variance. */
import type { JSX } from "preact";
import { normDescriptors } from "normgrad";
import { LARGEST, MOST_CELLS } from "../address.ts";
import { change } from "../navigate.ts";
import { partition, statistics, subject } from "../model.ts";
import { state, withShape } from "../state.ts";
import type { State } from "../state.ts";
import { casesOf, closestCase, splitLabel } from "../subject.ts";
import type { Choice } from "../subject.ts";
import { Cells, gridOf } from "../ui/cells.tsx";
import { setColour } from "../ui/colours.ts";
import { exact } from "../ui/numbers.ts";
import { Select } from "../ui/select.tsx";
import { Slider } from "../ui/slider.tsx";

interface Pick {
  readonly words: string;
  readonly choice: (now: State) => Choice;
}

/** The norms one meets first; every other one is in the list beside them. */
const PICKS: readonly Pick[] = [
  { words: "Batch", choice: () => ({ norm: "batchNorm", option: "training", layout: "NCHW" }) },
  {
    words: "Layer (C, H, W)",
    choice: ({ shape: [, c, h, w] }) => ({
      norm: "layerNorm",
      option: `normalizedShape [${c}, ${h}, ${w}]`,
      layout: "NCHW",
    }),
  },
  {
    words: "Layer (C)",
    choice: ({ shape: [, c] }) => ({ norm: "layerNorm", option: `normalizedShape [${c}]`, layout: "NHWC" }),
  },
  { words: "Instance", choice: () => ({ norm: "instanceNorm", option: "input statistics", layout: "NCHW" }) },
  {
    words: "Group",
    choice: ({ shape: [, c] }) => ({ norm: "groupNorm", option: `numGroups ${c % 2 === 0 ? 2 : 1}`, layout: "NCHW" }),
  },
  {
    words: "Switchable",
    choice: () => ({ norm: "switchableNorm", option: "training, IN, LN, BN, biased", layout: "NCHW" }),
  },
  {
    words: "RMS (C)",
    choice: ({ shape: [, c] }) => ({ norm: "rmsNorm", option: `normalizedShape [${c}]`, layout: "NHWC" }),
  },
];

/** With the parameters that were there before, where the norm has them. */
function take(choice: Choice, kind: string | null = null): void {
  const now = state.value;
  const affine = splitLabel(now.option)[1] ?? "no affine";
  const cases = casesOf(choice.norm, now.shape, choice.layout, now.eps);
  const found = closestCase(cases, `${choice.option}, ${affine}`);
  change({ ...choice, option: found?.label ?? choice.option, parameters: {} }, kind);
}

function isPicked(pick: Pick, now: State): boolean {
  const { norm, option, layout } = pick.choice(now);
  const [rest] = splitLabel(now.option);
  return now.norm === norm && now.layout === layout && (norm === "groupNorm" || rest === option);
}

export function letters(set: number): string {
  return set < 26 ? String.fromCodePoint(65 + set) : `${letters(Math.floor(set / 26) - 1)}${letters(set % 26)}`;
}

export function Partition(): JSX.Element {
  const now = state.value;
  const sets = statistics.value.length;
  const sizes = new Set(statistics.value.map(({ cells }) => cells.length));
  return (
    <section aria-labelledby="part-1">
      <h2 id="part-1">Which cells share their statistics</h2>
      <p class="lead">
        A normalization is a choice: which numbers are averaged together. Cells of one colour share one mean and one
        variance, and so each of them moves the output of all the others.
      </p>
      <div class="picks" role="group" aria-label="Normalization">
        {PICKS.map((pick) => (
          <button
            type="button"
            key={pick.words}
            aria-pressed={isPicked(pick, now)}
            onClick={() => take(pick.choice(now))}
          >
            {pick.words}
          </button>
        ))}
      </div>
      <div class="controls">
        <Options />
        <Sizes />
      </div>
      {subject.value ? (
        <div class={gridOf("split", now.shape)}>
          <figure class="panel">
            <Cells
              label="Sets that share mean and variance"
              shape={now.shape}
              values={partition.value}
              colour={(cell) => setColour(partition.value[cell] ?? 0, sets)}
              text={(cell) => letters(partition.value[cell] ?? 0)}
            />
            <figcaption>
              {sets} {sets === 1 ? "set" : "sets"} of {[...sizes].join(" or ")}{" "}
              {sizes.has(1) && sizes.size === 1 ? "cell" : "cells"}. Rows are samples n and positions h, columns
              channels c and positions w.
              {now.norm === "switchableNorm" && " Three kinds of sets are mixed, so that all cells hang together."}
            </figcaption>
          </figure>
          <Statistics />
        </div>
      ) : (
        <p role="status">The library has no case of {now.norm} for this shape. Choose another shape or layout.</p>
      )}
    </section>
  );
}

function Options(): JSX.Element {
  const now = state.value;
  const { norm, shape, layout, eps } = now;
  const cases = casesOf(norm, shape, layout, eps);
  const [rest, affine] = splitLabel(now.option);
  const groups = cases.flatMap(({ label }) => {
    const found = /^numGroups (\d+)/.exec(label);
    return found && splitLabel(label)[1] === affine ? [Number(found[1])] : [];
  });
  const [, c] = shape;
  return (
    <>
      <Select
        label="Any norm of the library"
        value={norm}
        options={normDescriptors.map(({ name }) => [name, name])}
        onValue={(name) => take({ norm: name, option: rest, layout })}
      />
      <Select
        label="Options"
        value={now.option}
        options={cases.map(({ label }) => [label, label])}
        onValue={(option) => change({ option, parameters: {} })}
      />
      <Select
        label="Layout given to it"
        value={layout}
        options={[
          ["NCHW", "channels second (N, C, H, W)"],
          ["NHWC", "channels last (N, H, W, C)"],
        ]}
        onValue={(value) => take({ norm, option: rest, layout: value === "NHWC" ? "NHWC" : "NCHW" })}
      />
      {norm === "groupNorm" && groups.length > 0 && (
        <Slider
          label="Groups"
          values={groups}
          value={Number(/\d+/.exec(rest)?.[0] ?? 1)}
          words={(count) => `${count}${count === 1 ? ", the statistics of LN" : count === c ? ", those of IN" : ""}`}
          onValue={(count) => take({ norm, option: `numGroups ${count}`, layout }, "groups")}
        />
      )}
    </>
  );
}

function Sizes(): JSX.Element {
  const { shape } = state.value;
  const set = (dim: number, size: number): void => {
    const [n, c, h, w] = shape.map((old, i) => (i === dim ? size : old));
    if (n === undefined || c === undefined || h === undefined || w === undefined) return;
    const next = withShape(state.value, [n, c, h, w]);
    const cases = casesOf(next.norm, next.shape, next.layout, next.eps);
    change({ ...next, option: closestCase(cases, next.option)?.label ?? next.option });
  };
  return (
    <fieldset class="sizes">
      <legend>Shape</legend>
      {["N", "C", "H", "W"].map((name, dim) => {
        const rest = shape.reduce((product, size, i) => (i === dim ? product : product * size), 1);
        const most = Math.min(LARGEST[dim] ?? 1, Math.floor(MOST_CELLS / rest));
        return (
          <Select
            key={name}
            label={name}
            value={String(shape[dim])}
            options={Array.from({ length: most }, (_, i) => [String(i + 1), String(i + 1)])}
            onValue={(size) => set(dim, Number(size))}
          />
        );
      })}
    </fieldset>
  );
}

function Statistics(): JSX.Element {
  const sets = statistics.value;
  return (
    <div class="scroll panel" tabIndex={0} role="region" aria-label="Statistics of the sets">
      <table class="statistics">
        <thead>
          <tr>
            <th scope="col">set</th>
            <th scope="col">n</th>
            <th scope="col">mean</th>
            <th scope="col">variance</th>
            <th scope="col">of n − 1</th>
          </tr>
        </thead>
        <tbody>
          {sets.slice(0, 12).map(({ cells, mean, biased, unbiased }, set) => (
            <tr key={set}>
              <th scope="row" style={{ background: setColour(set, sets.length) }}>
                {letters(set)}
              </th>
              <td>{cells.length}</td>
              <td>{exact(Number(mean.toPrecision(5)))}</td>
              <td>{exact(Number(biased.toPrecision(5)))}</td>
              <td>{exact(Number(unbiased.toPrecision(5)))}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {sets.length > 12 && <p>… and {sets.length - 12} more.</p>}
    </div>
  );
}
