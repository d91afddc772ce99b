/** Part 4: a backward with a planted fault; which one is it? */
import { useState } from "preact/hooks";
import type { JSX } from "preact";
import { faultOfRound, faults, visibleFaults } from "../faults.ts";
import { maps, sharing, statistics } from "../model.ts";
import { change } from "../navigate.ts";
import { state } from "../state.ts";
import { Cells, gridOf } from "../ui/cells.tsx";
import { signColour } from "../ui/colours.ts";
import { largest, tiny } from "../ui/numbers.ts";

export function BreakIt(): JSX.Element {
  const now = state.value;
  const right = maps.value;
  const broken = right ? visibleFaults(now, right, statistics.value) : [];
  const planted = faultOfRound(now.round, broken);
  return (
    <>
      {planted ? (
        <>
          <div class={gridOf("tables", now.shape)}>
            <div class="panel">
              <h3>The broken gradInput</h3>
              <Cells
                label="broken gradInput"
                shape={now.shape}
                values={planted.gradient}
                sets={sharing.value}
                colour={(cell) => signColour(planted.gradient[cell] ?? 0, largest(planted.gradient))}
              />
            </div>
            <div class="panel">
              <h3>Its error</h3>
              <Cells
                label="error of the broken gradInput"
                shape={now.shape}
                values={planted.error}
                sets={sharing.value}
                colour={(cell) => signColour(planted.error[cell] ?? 0, largest(planted.error))}
              />
              <p class="note">largest error {tiny(largest(planted.error))}</p>
            </div>
          </div>
          <Guess
            key={`${now.round} ${planted.fault.name}`}
            answer={planted.fault.name}
            shown={broken.map(({ fault }) => fault.name)}
          />
        </>
      ) : (
        <p>
          {right
            ? "No fault of the list would show in this norm: nothing flows through statistics here. Choose another one above."
            : "The library refuses this input, so there is no backward to break: choose a larger shape above."}
        </p>
      )}
    </>
  );
}

function Guess({ answer, shown }: { readonly answer: string; readonly shown: readonly string[] }): JSX.Element {
  const [guess, setGuess] = useState<string | null>(null);
  const fault = faults.find(({ name }) => name === guess);
  return (
    <>
      <div class="buttons" role="group" aria-label="Your guess">
        {faults
          .filter(({ name }) => shown.includes(name))
          .map(({ name, words }) => (
            <button type="button" key={name} aria-pressed={guess === name} onClick={() => setGuess(name)}>
              {words}
            </button>
          ))}
      </div>
      <div class="round">
        <button type="button" onClick={() => change({ round: state.value.round + 1 })}>
          Another fault
        </button>
        <p role="status" class={`verdict ${guess === answer ? "right" : "wrong"}`}>
          {fault &&
            (guess === answer ? `✓ Yes. ${fault.sign}` : `✗ No. If ${fault.words}: ${lower(fault.sign)} Look again.`)}
        </p>
      </div>
    </>
  );
}

function lower(sentence: string): string {
  return sentence.charAt(0).toLowerCase() + sentence.slice(1);
}
