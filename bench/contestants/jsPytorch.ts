/**
 * js-pytorch: nested arrays of JavaScript numbers, with a LayerNorm that has no eps and works on the last dim. Its only
 * optimizer is Adam, so that the step of SGD is written here.
 */
import { createRequire } from "node:module";
import { torch } from "js-pytorch";
import type { MatmulCase, MlpCase, NormCase } from "../cases.ts";
import { matmulInputs, mlpBatch, mlpParameters, normInputs } from "../data.ts";
import type { Floats } from "../data.ts";
import { prepared } from "./contestant.ts";
import type { Contestant, Prepared } from "./contestant.ts";
import { versionOf } from "./version.ts";

const { nn, tensor } = torch;
type Tensor = ReturnType<typeof tensor>;

export function jsPytorch(): Contestant {
  return {
    version: versionOf(createRequire(import.meta.url).resolve("js-pytorch")),
    prepare: (measured) => {
      if (measured.op === "matmul") return matmul(measured);
      return measured.op === "mlp" ? mlp(measured) : norm(measured);
    },
  };
}

/** One or two dims, as nested arrays. */
function nested(data: Floats, [rows = 1, columns]: readonly number[]): unknown[] {
  if (columns === undefined) return Array.from(data);
  return Array.from({ length: rows }, (_, i) => Array.from(data.subarray(i * columns, (i + 1) * columns)));
}

const make = (data: Floats, shape: readonly number[], requiresGrad = false): Tensor =>
  tensor(nested(data, shape), requiresGrad);

function flat(data: unknown): Float64Array {
  const numbers: unknown[] = Array.isArray(data) ? data.flat(4) : [data];
  return Float64Array.from(numbers, Number);
}

function norm(measured: NormCase): Prepared | null {
  if (measured.op !== "layerNorm" || measured.dtype === "float64") return null;
  const { x, weight, bias, gradOutput } = normInputs(measured);
  const input = make(x, measured.shape, true);
  const layer = new nn.LayerNorm(weight.length);
  const [gamma, beta] = [make(weight, [weight.length], true), make(bias, [bias.length], true)];
  layer["gamma"] = gamma;
  layer["beta"] = beta;
  const grad = make(gradOutput, measured.shape);
  return prepared(
    () => {
      for (const leaf of [input, gamma, beta]) leaf.zero_grad();
      const output = layer.forward(input);
      output.backward(grad);
      return output;
    },
    (output) => [output.data, input.grad, gamma.grad, beta.grad].map(flat),
  );
}

function matmul(measured: MatmulCase): Prepared {
  const shape = [measured.size, measured.size];
  const [a, b] = matmulInputs(measured);
  const [left, right] = [make(a, shape), make(b, shape)];
  return prepared(
    () => left.matmul(right),
    (output) => [flat(output.data)],
  );
}

/** Its linear layers keep the transposed weight. */
function transposed(data: ArrayLike<number>, [rows = 0, columns = 0]: readonly number[]): Float64Array {
  return Float64Array.from(
    { length: rows * columns },
    (_, i) => data[(i % rows) * columns + Math.floor(i / rows)] ?? 0,
  );
}

function mlp(measured: MlpCase): Prepared {
  const { sizes, batch, lr } = measured;
  const [inputs, hidden, hidden2, classes] = sizes;
  const layers = [
    new nn.Linear(inputs, hidden),
    new nn.LayerNorm(hidden),
    new nn.ReLU(),
    new nn.Linear(hidden, hidden2),
    new nn.LayerNorm(hidden2),
    new nn.ReLU(),
    new nn.Linear(hidden2, classes),
  ] as const;
  const start = mlpParameters(measured);
  const parameters = layers.flatMap((layer) => layer.parameters());
  for (const [i, { data, shape }] of start.entries()) {
    const parameter = parameters[i];
    const [rows = 0, columns] = shape;
    const own = columns === undefined ? nested(data, shape) : nested(transposed(data, shape), [columns, rows]);
    if (parameter) parameter["_data"] = own;
  }
  const lossOf = new nn.CrossEntropyLoss();
  const { x, labels } = mlpBatch(measured);
  const input = make(x, [batch, inputs]);
  const target = tensor(labels);
  return prepared(
    () => {
      for (const parameter of parameters) parameter.zero_grad();
      const output = layers.reduce<Tensor>((value, layer) => layer.forward(value), input);
      const loss = lossOf.forward(output, target);
      loss.backward();
      for (const parameter of parameters) {
        parameter["_data"] = parameter.sub(parameter["_grad"].mul(lr)).data;
      }
      return loss;
    },
    () =>
      parameters.map((parameter, i) => {
        const data = flat(parameter.data);
        const [rows = 0, columns] = start[i]?.shape ?? [];
        return columns === undefined ? data : transposed(data, [columns, rows]);
      }),
  );
}
