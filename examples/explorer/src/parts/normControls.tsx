/** Which norm is looked at, with which options, and the shape of its input. */
import type { JSX } from "preact";
import { normDescriptors } from "normgrad";
import { LARGEST, MOST_CELLS } from "../address.ts";
import { subject } from "../model.ts";
import { change } from "../navigate.ts";
import { notice, state, withShape } from "../state.ts";
import type { State } from "../state.ts";
import { caseFor, casesOf, roomyCases, splitLabel } from "../subject.ts";
import type { Choice } from "../subject.ts";
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
  const wanted = `${choice.option}, ${affine}`;
  // What the library refuses for this shape is asked for all the same: the page shows the refusal.
  change({ ...choice, option: caseFor(cases, wanted)?.label ?? wanted, parameters: {} }, kind);
}

/** What a norm of the list begins with, whatever was chosen before. */
function usual(norm: string): Choice {
  const now = state.value;
  const { shape, layout } = now;
  const [, c, h, w] = shape;
  const found = PICKS.map(({ choice }) => choice(now)).find(
    (choice) => choice.norm === norm && choice.layout === "NCHW",
  );
  if (found) return found;
  const labels = roomyCases(norm, shape, layout).map(({ label }) => label);
  const [first = ""] = labels;
  if (norm === "normalize") return { norm, option: "dim 1, p 2", layout: "NCHW" };
  if (!first.startsWith("normalizedShape")) return { norm, option: splitLabel(first)[0], layout };
  return { norm, option: `normalizedShape [${c}, ${h}, ${w}]`, layout: "NCHW" };
}

function isPicked(pick: Pick, now: State): boolean {
  const { norm, option, layout } = pick.choice(now);
  const [rest] = splitLabel(now.option);
  return now.norm === norm && now.layout === layout && (norm === "groupNorm" || rest === option);
}

export function NormControls(): JSX.Element {
  const now = state.value;
  return (
    <>
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
    </>
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
        onValue={(name) => take(usual(name))}
      />
      <Select
        label="Options"
        value={now.option}
        options={[
          ...cases.map(({ label }) => [label, label] as const),
          ...(subject.value ? [] : [[now.option, `${now.option}: refused`] as const]),
        ]}
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

/** What stays chosen where the library has no such case; groups that no longer divide the channels do not. */
function refusedOption({ norm, option }: State, cases: number): string {
  return norm === "groupNorm" && cases === 0 ? option.replace(/^numGroups \d+/, "numGroups 1") : option;
}

function Sizes(): JSX.Element {
  const { shape } = state.value;
  const set = (dim: number, size: number): void => {
    const [n, c, h, w] = shape.map((old, i) => (i === dim ? size : old));
    if (n === undefined || c === undefined || h === undefined || w === undefined) return;
    const next = withShape(state.value, [n, c, h, w]);
    const cases = casesOf(next.norm, next.shape, next.layout, next.eps);
    const option = caseFor(cases, next.option)?.label ?? refusedOption(next, cases.length);
    change({ ...next, option });
    if (/^\w+ \d/.test(option) && option !== next.option) {
      notice.value = `There is no “${next.option}” for this shape: it is “${option}” now.`;
    }
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
