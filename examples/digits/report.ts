/** The report: one HTML file without anything outside of it. Charts are drawn by Vega-Lite as SVG. */
import type { TopLevelSpec } from "vega-lite";
import { svgOf } from "../shared/chart.ts";
import { rowsOf, showError, showFailure, showRatio, summary } from "./checkTable.ts";
import { NORMS } from "./model.ts";
import type { NormName } from "./model.ts";
import type { Network, Result } from "./result.ts";

const LABELS: Readonly<Record<NormName, string>> = {
  none: "no norm",
  batchNorm: "BatchNorm",
  layerNorm: "LayerNorm",
  instanceNorm: "InstanceNorm",
  groupNorm: "GroupNorm",
};

/** Okabe and Ito's colours, which people with any colour vision tell apart. */
const COLOURS: Readonly<Record<NormName, string>> = {
  none: "#7f7f7f",
  batchNorm: "#d55e00",
  layerNorm: "#0072b2",
  instanceNorm: "#cc79a7",
  groupNorm: "#009e73",
};

export async function renderReport(result: Result, networks: readonly Network[]): Promise<string> {
  const { settings, trained } = result;
  const reached = result.epochs.length > 0;
  const loss = reached ? await chart(result, "trainLoss", "training loss", "log") : "";
  const accuracy = reached ? await chart(result, "testAccuracy", "test accuracy", "linear") : "";
  const unfinished = networks.length < settings.norms.length || networks.some((network) => !network.complete);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>normgrad: norms on handwritten digits</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<h1>Norms on handwritten digits</h1>
<p>The same small convolutional network, trained without a norm and with each of four norms. Before that, the
backward pass of every norm of the library was held to its exact gradient.</p>
${unfinished ? '<p class="note" role="note">This run was interrupted: the report shows what was done until then.</p>' : ""}
<h2>Networks</h2>
${networkTable(networks, settings.epochs)}
<div class="charts">
<figure>${loss}<figcaption>Mean loss of each epoch, logarithmic; colours as in the table.</figcaption></figure>
<figure>${accuracy}<figcaption>Share of the test images that are recognized, after each epoch.</figcaption></figure>
</div>
<h2>Gradient check</h2>
<p>Each norm with every combination of its options, on the inner pixels of the first three images, with random weights and
a random incoming gradient. An error is the distance from the exact gradient, which dual numbers carry through the
forward in 106 bits, as a part of the largest gradient of that input. The bound is what rounding can do to the backward
as it is written, cell by cell: error/bound must not exceed 1.</p>
${checkTable(result)}
<h2>The tape of one training step</h2>
<p>What <code>printTape(loss, { names: model })</code> prints: inputs, then options, then the shape of the output.</p>
${trained.map(({ norm, tape }) => `<details${norm === "groupNorm" || trained.length === 1 ? " open" : ""}><summary>${LABELS[norm]}</summary><pre>${escape(tape)}</pre></details>`).join("\n")}
<h2>Models and settings</h2>
${trained.map(({ norm, model, parameters }) => `<details><summary>${LABELS[norm]}: ${parameters.toLocaleString("en")} parameters</summary><pre>${escape(model)}</pre></details>`).join("\n")}
<p>Stratified split, 80 % for training; SGD with momentum 0.9, weight decay 1e-3, learning rate 0.05 with a cosine to 0;
${settings.epochs} epochs of batches of ${settings.batchSize}; ${settings.dtype}, ${settings.backend} backend; seed ${settings.seed}; data
${escape(settings.data.split(/[\\/]/).at(-1) ?? "")}.</p>
<footer>Digits: E. Alpaydin and C. Kaynak (1998), Optical Recognition of Handwritten Digits, UCI Machine Learning
Repository, <a href="https://doi.org/10.24432/C50P49">doi:10.24432/C50P49</a>, CC BY 4.0.</footer>
</main>
</body>
</html>
`;
}

async function chart(
  { epochs, settings }: Result,
  field: "trainLoss" | "testAccuracy",
  title: string,
  scale: "log" | "linear",
): Promise<string> {
  const shown = NORMS.filter((norm) => settings.norms.includes(norm));
  const isShare = field === "testAccuracy";
  // A loss that is no longer a number, or that is 0, has no place on the scale.
  const drawn = epochs.filter((epoch) => Number.isFinite(epoch[field]) && (isShare || epoch[field] > 0));
  if (drawn.length === 0) return `<p>The ${title} was never a number that could be drawn.</p>`;
  const lowest = Math.min(...drawn.map((epoch) => epoch[field]));
  const domain = isShare ? [Math.min(0.9, Math.floor(lowest * 20) / 20), 1] : undefined;
  const spec: TopLevelSpec = {
    width: 460,
    height: 280,
    autosize: { type: "fit", contains: "padding" },
    data: { values: drawn.map((epoch) => ({ ...epoch, name: LABELS[epoch.norm] })) },
    mark: { type: "line", point: { size: 22 }, strokeWidth: 1.8, clip: true },
    encoding: {
      x: { field: "epoch", type: "quantitative", title: "epoch", axis: { grid: false, tickMinStep: 1, format: "d" } },
      y: {
        field,
        type: "quantitative",
        title,
        scale: domain ? { type: scale, domain, nice: false } : { type: scale },
        axis: isShare ? { format: ".0%", tickCount: 6 } : { values: [10, 1, 0.1, 0.01, 0.001], format: "~g" },
      },
      color: {
        field: "name",
        type: "nominal",
        legend: null,
        scale: { domain: shown.map((norm) => LABELS[norm]), range: shown.map((norm) => COLOURS[norm]) },
      },
    },
  };
  return svgOf(spec, `${title} by epoch`);
}

function networkTable(networks: readonly Network[], epochs: number): string {
  const rows = networks.map(
    ({ norm, testAccuracy, seconds, epochs: reached, complete }) =>
      `<tr><th scope="row"><span class="dot" style="background:${COLOURS[norm]}"></span>${LABELS[norm]}</th>` +
      `<td>${(100 * testAccuracy).toFixed(1)} %</td><td>${seconds.toFixed(1)} s</td>` +
      `<td>${complete ? epochs : `${reached} of ${epochs}`}</td></tr>`,
  );
  return `<table><thead><tr><th scope="col">Network</th><th scope="col">Test accuracy</th><th scope="col">Time</th><th scope="col">Epochs</th></tr></thead><tbody>${rows.join("")}</tbody></table>`;
}

/** One row a norm; a failing one names the case that is furthest off. */
function checkTable({ gradientChecks }: Result): string {
  if (gradientChecks.length === 0) return "<p>No check was run.</p>";
  const rows = rowsOf(gradientChecks).map(({ norm, cases, maxError, ofBound, failed }) => {
    const part = (100 * Math.min(1, ofBound)).toFixed(0);
    return (
      `<tr><th scope="row">${escape(norm)}</th><td>${cases}</td><td>${showError(maxError)}</td>` +
      `<td>${escape(showRatio(ofBound))}</td><td class="bar"><span><span class="${failed ? "over" : ""}" style="width:${part}%"></span></span></td>` +
      `<td class="${failed ? "bad" : "ok"} text">${failed ? `✗ ${escape(showFailure(failed))}` : "✓"}</td></tr>`
    );
  });
  return (
    `<div class="scroll"><table><thead><tr><th scope="col">Norm</th><th scope="col">Cases</th><th scope="col">Largest error</th>` +
    `<th scope="col">Error/bound</th><td class="bar"></td><th scope="col" class="text">Check</th></tr></thead><tbody>${rows.join("")}</tbody></table></div>\n` +
    `<p>${summary(gradientChecks)}.</p>`
  );
}

function escape(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}

const STYLE = `
:root { color-scheme: light dark; --ink: #1b1b1f; --soft: #5c5c66; --line: #d9d9e0; --paper: #fff; --good: #006d4a; --bad: #b3261e; }
@media (prefers-color-scheme: dark) { :root { --ink: #ececf1; --soft: #a5a5b0; --line: #3a3a42; --paper: #17171b; --good: #5fd3a8; --bad: #ff8a80; } }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.55 system-ui, sans-serif; }
main { max-width: 60rem; margin: 0 auto; padding: 2.5rem 1.25rem 4rem; }
h1 { font-size: 2rem; line-height: 1.2; margin: 0 0 .5rem; } h2 { font-size: 1.25rem; margin: 2rem 0 .5rem; }
p { max-width: 44rem; } .note { border-left: 4px solid var(--bad); padding-left: .75rem; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { text-align: right; padding: .2rem .9rem .2rem 0; border-bottom: 1px solid var(--line); font-weight: 400; }
th:first-child, .text { text-align: left; } thead th { color: var(--soft); font-size: .875rem; white-space: nowrap; }
.scroll { max-width: 100%; overflow-x: auto; }
.ok { color: var(--good); } .bad { color: var(--bad); font-weight: 700; }
.bar > span { display: block; width: 7rem; height: .5rem; border-radius: .25rem; background: var(--line); overflow: hidden; }
@media (max-width: 40rem) { .bar { display: none; } .scroll table { font-size: .8125rem; } .scroll thead th { font-size: .75rem; } }
.bar > span > span { display: block; height: 100%; background: var(--good); } .bar .over { background: var(--bad); }
.dot { display: inline-block; width: .7em; height: .7em; border-radius: 50%; margin-right: .5em; }
.charts { margin-top: 1.5rem; display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 24rem), 1fr)); gap: 1.5rem; }
figure { margin: 0; } figure svg { width: 100%; height: auto; } figcaption, footer { color: var(--soft); font-size: .875rem; }
pre { overflow-x: auto; padding: .75rem 1rem; border: 1px solid var(--line); border-radius: .5rem; font: 13px/1.5 ui-monospace, monospace; }
summary { cursor: pointer; padding: .25rem 0; } footer { margin-top: 3rem; }
`;
