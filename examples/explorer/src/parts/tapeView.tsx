/** Part 5: the tape, step by step, forwards and then backwards. */
import { useMemo, useState } from "preact/hooks";
import type { JSX } from "preact";
import { Graph, layout } from "@dagrejs/dagre";
import { change } from "../navigate.ts";
import { state } from "../state.ts";
import { tapeOfState } from "../tape.ts";
import type { TapeNode } from "../tape.ts";

interface Placed extends TapeNode {
  readonly x: number;
  readonly y: number;
  readonly width: number;
}

interface Picture {
  readonly nodes: readonly Placed[];
  readonly edges: readonly { readonly from: string; readonly to: string; readonly points: string }[];
  readonly width: number;
  readonly height: number;
}

const HEIGHT = 32;

export function TapeView(): JSX.Element | null {
  const now = state.value;
  const { norm, option, layout: given, shape, eps, x, gradOutput, parameters, opened } = now;
  const tape = useMemo(
    () => tapeOfState(now, opened),
    [norm, option, given, shape, eps, x, gradOutput, parameters, opened],
  );
  const picture = useMemo(
    () => (tape ? place(tape.nodes) : null),
    [norm, option, given, shape, opened, tape?.nodes.length],
  );
  const [at, setAt] = useState(0);
  if (!tape || !picture)
    return <p>The library refuses this input, so nothing is written: choose a larger shape above.</p>;
  const last = tape.steps.length - 1;
  const step = tape.steps[Math.min(at, last)];
  if (!step) return null;
  const position = Math.min(at, last);
  const done = new Set(
    tape.steps
      .slice(0, position + 1)
      .filter(({ backward }) => backward === step.backward)
      .map(({ node }) => node),
  );
  const go = (to: number): void => setAt(Math.max(0, Math.min(last, to)));
  return (
    <>
      <div class="buttons">
        <button type="button" onClick={() => go(0)} disabled={position === 0}>
          To the start
        </button>
        <button type="button" onClick={() => go(position - 1)} disabled={position === 0}>
          Back one step
        </button>
        <button type="button" class="primary" onClick={() => go(position + 1)} disabled={position === last}>
          One step on
        </button>
        <button type="button" onClick={() => go(last)} disabled={position === last}>
          To the end
        </button>
        <label class="switch">
          <input
            type="checkbox"
            role="switch"
            checked={opened}
            onChange={(event) => {
              setAt(0);
              change({ opened: event.currentTarget.checked });
            }}
          />
          Open the norm into its steps
        </label>
      </div>
      <div class="scroll" tabIndex={0} role="region" aria-label="Picture of the tape">
        <svg
          width={picture.width}
          height={picture.height}
          role="img"
          aria-label={`A tape of ${tape.nodes.length} nodes`}
        >
          {picture.edges.map(({ from, to, points }) => (
            <polyline key={`${from} ${to} ${points}`} points={points} class={to === step.node ? "edge now" : "edge"} />
          ))}
          {picture.nodes.map(({ id, words, isLeaf, x, y, width }) => (
            <g
              key={id}
              class={`node${isLeaf ? " leaf" : ""}${id === step.node ? " now" : done.has(id) ? " done" : ""}${step.backward ? " back" : ""}`}
            >
              <rect x={x - width / 2} y={y - HEIGHT / 2} width={width} height={HEIGHT} rx={isLeaf ? 16 : 6} />
              <text x={x} y={y + 5} text-anchor="middle">
                {words}
              </text>
            </g>
          ))}
        </svg>
      </div>
      <p class="note">
        Step {position + 1} of {last + 1}: {step.backward ? "backwards" : "forwards"}
      </p>
      <div class="code" role="status">
        <pre tabIndex={0}>{step.text}</pre>
      </div>
    </>
  );
}

function place(nodes: readonly TapeNode[]): Picture {
  const graph = new Graph({ multigraph: true });
  graph.setGraph({ rankdir: "LR", nodesep: 14, ranksep: 34, marginx: 8, marginy: 8 });
  graph.setDefaultEdgeLabel(() => ({}));
  const widthOf = ({ words }: TapeNode): number => 22 + 8.4 * words.length;
  for (const node of nodes) graph.setNode(node.id, { width: widthOf(node), height: HEIGHT });
  for (const node of nodes) node.inputs.forEach((input, i) => graph.setEdge(input, node.id, {}, String(i)));
  layout(graph);
  const { width = 0, height = 0 } = graph.graph();
  return {
    nodes: nodes.map((node) => {
      const { x = 0, y = 0 } = graph.node(node.id);
      return { ...node, x, y, width: widthOf(node) };
    }),
    edges: graph.edges().map((edge) => {
      const { points = [] }: { points?: readonly { readonly x: number; readonly y: number }[] } = graph.edge(edge);
      return { from: edge.v, to: edge.w, points: points.map(({ x, y }) => `${x},${y}`).join(" ") };
    }),
    width,
    height,
  };
}
