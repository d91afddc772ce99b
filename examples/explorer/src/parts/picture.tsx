/** The picture of an answer: scenes side by side, all computed by the library. */
import { useMemo } from "preact/hooks";
import type { JSX } from "preact";
import { BatchNorm2d, NdArray, tensor, updateRunningStats } from "normgrad";
import { Generator } from "normgrad";
import { differenceNow } from "../difference.ts";
import { formulasOf, pathsOf } from "../formulas.ts";
import { maps, mapsOf, partitionOf, subjectOf } from "../model.ts";
import { sceneState } from "../presets.ts";
import type { Preset, Scene } from "../presets.ts";
import { initial, state } from "../state.ts";
import { Cells } from "../ui/cells.tsx";
import { setColour, signColour } from "../ui/colours.ts";
import { Curve } from "../ui/curve.tsx";
import { Formula } from "../ui/formula.tsx";
import { exact, largest, tiny } from "../ui/numbers.ts";
import { letters } from "./partition.tsx";
import { Paths } from "./paths.tsx";

export function Picture({ preset }: { readonly preset: Preset }): JSX.Element {
  const now = { ...initial, ...preset.state };
  const formulas = formulasOf(now.norm, now.option);
  switch (preset.picture) {
    case "maps":
      return (
        <>
          {preset.formula && formulas && (
            <>
              <Formula label="The formula with its terms" tex={formulas.backward} />
              <p class="note">{formulas.where} r is one over the standard deviation.</p>
            </>
          )}
          {preset.scenes.map((scene) => (
            <MapsOf scene={scene} key={scene.caption} />
          ))}
        </>
      );
    case "partition":
      return (
        <div class="tables">
          {preset.scenes.map((scene) => (
            <PartitionOf scene={scene} key={scene.caption} />
          ))}
        </div>
      );
    case "constants":
      return <Constants />;
    case "running":
      return (
        <>
          {preset.scenes.map((scene) => (
            <Running scene={scene} key={scene.caption} />
          ))}
        </>
      );
    case "momentum":
      return <Momentum />;
    case "single":
      return (
        <>
          <blockquote>{refusal()}</blockquote>
          {preset.scenes.map((scene) => (
            <MapsOf scene={scene} key={scene.caption} />
          ))}
        </>
      );
  }
}

function MapsOf({ scene }: { readonly scene: Scene }): JSX.Element {
  const now = sceneState(scene);
  const subject = subjectOf(now);
  if (!subject) return <p>{scene.caption}</p>;
  return (
    <div class="scene">
      <h4>{scene.caption}</h4>
      {now.x.length <= 4 && (
        <p class="note">
          x = [{now.x.map(exact).join(", ")}], gradOutput = [{now.gradOutput.map(exact).join(", ")}]
        </p>
      )}
      <Paths
        shape={now.shape}
        maps={mapsOf(now, subject)}
        has={pathsOf(now.norm, subject.case.label)}
        prefix={`${scene.caption}: `}
      />
    </div>
  );
}

function PartitionOf({ scene }: { readonly scene: Scene }): JSX.Element {
  const now = sceneState(scene);
  const subject = subjectOf(now);
  const sets = subject ? partitionOf(now, subject) : [];
  const count = new Set(sets).size;
  const weight = subject?.case.inputs.find(({ name }) => name === "weight")?.shape ?? [];
  return (
    <figure class="panel">
      <h4>{scene.caption}</h4>
      <Cells
        label={`${scene.caption}: sets`}
        shape={now.shape}
        values={sets}
        colour={(cell) => setColour(sets[cell] ?? 0, count)}
        text={(cell) => letters(sets[cell] ?? 0)}
      />
      <figcaption class="note">
        {count} sets; weight of shape [{weight.join(", ")}]
      </figcaption>
    </figure>
  );
}

/** Of what the page shows, so that it follows an edit: the difference is computed for that. */
function Constants(): JSX.Element | null {
  const now = state.value;
  const found = maps.value;
  const difference = differenceNow()?.values;
  if (!found) return null;
  const { direct, gradInput } = found;
  const most = largest(direct, gradInput);
  const error = (values: readonly number[]): string =>
    difference ? tiny(largest(difference.map((value, i) => value - (values[i] ?? 0)))) : "…";
  const table = (title: string, values: readonly number[], note: string): JSX.Element => (
    <figure class="panel">
      <h4>{title}</h4>
      <Cells label={title} shape={now.shape} values={values} colour={(cell) => signColour(values[cell] ?? 0, most)} />
      <figcaption class="note">{note}</figcaption>
    </figure>
  );
  return (
    <div class="tables">
      {table("statistics as constants", direct, `off by up to ${error(direct)}`)}
      {table("finite difference, the judge", difference ?? [], "two forwards, one subtraction")}
      {table("all three paths", gradInput, `off by up to ${error(gradInput)}`)}
    </div>
  );
}

function Running({ scene }: { readonly scene: Scene }): JSX.Element {
  const now = sceneState(scene);
  const x = tensor([...now.x]).reshape(now.shape);
  const layer = new BatchNorm2d(now.shape[1], { momentum: 1 });
  layer.forward(x);
  const rows = [
    ["normalizes the batch", "Σ (x − μ)² / n", x.variance(undefined, { correction: 0 }).item()],
    ["the unbiased variance", "Σ (x − μ)² / (n − 1)", x.variance().item()],
    ["stored as running_var", "what the layer keeps", layer.runningVar?.item() ?? NaN],
  ] as const;
  return (
    <div class="scene">
      <h4>{scene.caption}</h4>
      <table class="statistics">
        <thead>
          <tr>
            <th scope="col">x = [{now.x.join(", ")}]</th>
            <th scope="col">formula</th>
            <th scope="col">variance</th>
          </tr>
        </thead>
        <tbody>
          {rows.map(([words, formula, value]) => (
            <tr key={words}>
              <th scope="row">{words}</th>
              <td>{formula}</td>
              <td>{exact(value)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

const STEPS = 200;

function Momentum(): JSX.Element {
  const { x, series } = useMemo(() => {
    const generator = new Generator(1);
    const batches = Array.from({ length: STEPS }, () => 1 + 0.3 * generator.normal());
    const follow = (momentum: number): readonly number[] => {
      let running = new NdArray(Float64Array.of(0), [1]);
      return batches.map((mean) => {
        running = updateRunningStats(running, new NdArray(Float64Array.of(mean), [1]), { momentum });
        return running.data[0] ?? 0;
      });
    };
    return {
      x: batches.map((_, step) => step + 1),
      series: [
        { label: "PyTorch's 0.1: a tenth of the new value", colour: "--one", values: follow(0.1) },
        { label: "Keras's 0.99, here 1 − 0.99 = 0.01", colour: "--two", values: follow(0.01) },
        {
          label: "0.99 taken for the weight of the new value: the mistake",
          colour: "--three",
          values: follow(0.99),
          dashed: true,
        },
      ],
    };
  }, []);
  return (
    <>
      <div class="twin">
        {UPDATES.map(([words, tex]) => (
          <div key={words}>
            <h4>{words}</h4>
            <Formula label={`${words}: the update`} tex={tex} />
          </div>
        ))}
      </div>
      <Curve
        label="A running mean over 200 batches with three momenta"
        xLabel="batches"
        yLabel="running mean"
        x={x}
        series={series}
      />
    </>
  );
}

const UPDATES = [
  [
    "PyTorch, momentum m = 0.1",
    String.raw`\text{running} \leftarrow (1 - m) \cdot \text{running} + m \cdot \text{batch}`,
  ],
  [
    "Keras, momentum m = 0.99",
    String.raw`\text{running} \leftarrow m \cdot \text{running} + (1 - m) \cdot \text{batch}`,
  ],
] as const;

/** What the layer itself says. */
function refusal(): string {
  try {
    new BatchNorm2d(1).forward(tensor([3]).reshape([1, 1, 1, 1]));
    return "";
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
