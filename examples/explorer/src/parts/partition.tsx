/** Part 1: pick a norm, and see which cells share their mean and variance. */
import type { JSX } from "preact";
import { isRunning, partition, sharing, statistics, subject } from "../model.ts";
import { state } from "../state.ts";
import { Cells, gridOf } from "../ui/cells.tsx";
import { setColour } from "../ui/colours.ts";
import { exact } from "../ui/numbers.ts";
import { NormControls } from "./normControls.tsx";
import { RunningStatistics } from "./parameters.tsx";
import { Refused } from "./refused.tsx";

export function letters(set: number): string {
  return set < 26 ? String.fromCodePoint(65 + set) : `${letters(Math.floor(set / 26) - 1)}${letters(set % 26)}`;
}

export function Partition(): JSX.Element {
  const now = state.value;
  const sets = statistics.value.length;
  const sizes = new Set(statistics.value.map(({ cells }) => cells.length));
  return (
    <section aria-labelledby="shared-statistics">
      <h2 id="shared-statistics">Which cells share their statistics</h2>
      <p class="lead">
        A normalization is a choice: which numbers are averaged together.{" "}
        {isRunning.value
          ? "Here none are: mean and variance are running ones, constants that were gathered in training, and no cell moves the output of another."
          : "Cells of one colour share one mean and one variance, and so each of them moves the output of all the others."}
      </p>
      <NormControls />
      {subject.value ? (
        <div class={gridOf("split", now.shape)}>
          <figure class="panel">
            <Cells
              label="Sets that share mean and variance"
              shape={now.shape}
              values={partition.value}
              sets={sharing.value}
              colour={(cell) => (isRunning.value ? "var(--cell)" : setColour(partition.value[cell] ?? 0, sets))}
              text={(cell) => letters(partition.value[cell] ?? 0)}
            />
            <figcaption>
              {isRunning.value ? (
                "Letters say whose running statistics a cell is normalized by."
              ) : (
                <>
                  {sets} {sets === 1 ? "set" : "sets"} of {[...sizes].join(" or ")}{" "}
                  {sizes.has(1) && sizes.size === 1 ? "cell" : "cells"}.
                </>
              )}{" "}
              Rows are samples n and positions h, columns channels c and positions w.
              {now.norm === "switchableNorm" && " Three kinds of sets are mixed, so that all cells hang together."}
            </figcaption>
          </figure>
          {isRunning.value ? <RunningStatistics /> : <Statistics />}
        </div>
      ) : (
        <Refused />
      )}
    </section>
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
