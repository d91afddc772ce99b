/** deepbox: layers of its own for every norm but SwitchableNorm. */
import { GradTensor, tensor } from "deepbox/ndarray";
import type { Tensor } from "deepbox/ndarray";
import {
  BatchNorm1d,
  BatchNorm2d,
  crossEntropyLoss,
  GroupNorm,
  InstanceNorm2d,
  LayerNorm,
  Linear,
  ReLU,
  RMSNorm,
  Sequential,
} from "deepbox/nn";
import type { Module } from "deepbox/nn";
import { SGD } from "deepbox/optim";
import { createRequire } from "node:module";
import { EPS } from "../cases.ts";
import type { MatmulCase, MlpCase, NormCase } from "../cases.ts";
import { matmulInputs, mlpBatch, mlpParameters, normInputs } from "../data.ts";
import type { Floats } from "../data.ts";
import { prepared, preparedArrays } from "./contestant.ts";
import type { Contestant, Prepared } from "./contestant.ts";
import { versionOf } from "./version.ts";

export function deepbox(): Contestant {
  return {
    version: versionOf(createRequire(import.meta.url).resolve("deepbox")),
    prepare: (measured) => {
      if (measured.op === "matmul") return matmul(measured);
      return measured.op === "mlp" ? mlp(measured) : norm(measured);
    },
  };
}

const make = (data: Floats, shape: readonly number[]): Tensor =>
  tensor(data, { dtype: data instanceof Float32Array ? "float32" : "float64" }).reshape([...shape]);

function floats(result: { readonly data: unknown } | null): Floats {
  const data = result?.data;
  if (data instanceof Float32Array || data instanceof Float64Array) return data;
  throw new TypeError("deepbox: expected floating-point results");
}

function layerOf({ op, shape, numGroups }: NormCase): Module | null {
  const channels = shape[1] ?? 1;
  const options = { eps: EPS };
  switch (op) {
    case "layerNorm":
      return new LayerNorm(shape.at(-1) ?? 1, options);
    case "rmsNorm":
      return new RMSNorm(shape.at(-1) ?? 1, options);
    case "batchNorm":
      return shape.length === 2 ? new BatchNorm1d(channels, options) : new BatchNorm2d(channels, options);
    case "groupNorm":
      return new GroupNorm(numGroups, channels, options);
    case "instanceNorm":
      return new InstanceNorm2d(channels, { ...options, affine: true });
    default:
      return null;
  }
}

function fill(parameter: GradTensor, data: Floats): void {
  floats(parameter).set(data);
}

function norm(measured: NormCase): Prepared | null {
  const layer = layerOf(measured);
  // The layers' parameters are float32, and there is no option.
  if (layer === null || measured.dtype === "float64") return null;
  const { x, weight, bias, gradOutput } = normInputs(measured);
  const [scale, shift] = [...layer.parameters()];
  if (!scale) throw new Error("deepbox: expected a layer with a weight");
  fill(scale, weight);
  if (shift) fill(shift, bias);
  return preparedArrays(() => {
    layer.zeroGrad();
    const input = GradTensor.fromTensor(make(x, measured.shape), { requiresGrad: true });
    const output = layer.forward(input);
    if (!GradTensor.isGradTensor(output)) throw new TypeError("deepbox: expected a tensor");
    output.backward(make(gradOutput, measured.shape));
    return [output, input.grad, scale.grad, ...(shift ? [shift.grad] : [])].map(floats);
  });
}

function matmul(measured: MatmulCase): Prepared {
  const shape = [measured.size, measured.size];
  const [a, b] = matmulInputs(measured);
  const [left, right] = [GradTensor.fromTensor(make(a, shape)), GradTensor.fromTensor(make(b, shape))];
  return preparedArrays(() => [floats(left.matmul(right))]);
}

function mlp(measured: MlpCase): Prepared {
  const { sizes, batch, lr } = measured;
  const [inputs, hidden, hidden2, classes] = sizes;
  const model = new Sequential(
    new Linear(inputs, hidden),
    new LayerNorm(hidden, { eps: EPS }),
    new ReLU(),
    new Linear(hidden, hidden2),
    new LayerNorm(hidden2, { eps: EPS }),
    new ReLU(),
    new Linear(hidden2, classes),
  );
  const parameters = [...model.parameters()];
  for (const [i, { data }] of mlpParameters(measured).entries()) {
    const parameter = parameters[i];
    if (parameter) fill(parameter, data);
  }
  const optimizer = new SGD(parameters, { lr });
  const { x, labels } = mlpBatch(measured);
  const input = GradTensor.fromTensor(make(x, [batch, inputs]));
  const target = tensor(labels, { dtype: "int32" });
  return prepared(
    () => {
      optimizer.zeroGrad();
      const loss = crossEntropyLoss(model.forward(input), target);
      if (!GradTensor.isGradTensor(loss)) throw new TypeError("deepbox: expected a loss");
      loss.backward();
      optimizer.step();
      return loss;
    },
    () => parameters.map(floats),
  );
}
