/** TensorFlow.js on its JavaScript or its WebAssembly backend. It has no norm but batchNorm with given statistics. */
import "@tensorflow/tfjs-backend-cpu";
import * as wasm from "@tensorflow/tfjs-backend-wasm";
import * as tf from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-core/dist/register_all_gradients.js";
import { createRequire } from "node:module";
import { dirname, sep } from "node:path";
import { EPS, layoutOf } from "../cases.ts";
import type { MatmulCase, MlpCase, NormCase } from "../cases.ts";
import { matmulInputs, mlpBatch, mlpParameters, normInputs } from "../data.ts";
import type { Floats } from "../data.ts";
import { prepared, preparedArrays, Unavailable } from "./contestant.ts";
import type { Contestant, Prepared } from "./contestant.ts";

export async function tfjs(backend: "cpu" | "wasm"): Promise<Contestant> {
  const folder = dirname(createRequire(import.meta.url).resolve("@tensorflow/tfjs-backend-wasm"));
  wasm.setWasmPaths(folder + sep);
  wasm.setThreadsCount(1);
  if (!(await tf.setBackend(backend))) throw new Unavailable("not available");
  await tf.ready();
  return {
    version: tf.version_core,
    prepare: (measured) => {
      if (measured.dtype === "float64") return null;
      if (measured.op === "matmul") return matmul(measured);
      return measured.op === "mlp" ? mlp(measured) : norm(measured);
    },
  };
}

const make = (data: Floats, shape: readonly number[]): tf.Tensor => tf.tensor(Float32Array.from(data), [...shape]);

function floats(tensor: tf.Tensor): Floats {
  const data = tensor.dataSync();
  if (data instanceof Float32Array) return data;
  throw new TypeError("tfjs: expected float32 results");
}

function standardize(x: tf.Tensor, axes: number[]): tf.Tensor {
  const { mean, variance } = tf.moments(x, axes, true);
  return tf.mul(tf.sub(x, mean), tf.rsqrt(tf.add(variance, EPS)));
}

function norm(measured: NormCase): Prepared | null {
  const { op, shape } = measured;
  if (op === "switchableNorm") return null;
  const inputs = normInputs(measured);
  const { repeats, sets, length, period, run } = layoutOf(measured);
  const rows = op === "layerNorm" || op === "rmsNorm";
  // At most four dims, which all kernels have.
  const wide = rows
    ? [sets, length]
    : op === "batchNorm"
      ? [repeats, sets, run]
      : [sets / period, period, length / run, run];
  const size = rows ? [length] : op === "batchNorm" ? [sets, 1] : [period, length / run, 1];
  const axes = rows ? [-1] : op === "batchNorm" ? [0, 2] : [2, 3];
  const forward = (x: tf.Tensor, weight: tf.Tensor, bias: tf.Tensor): tf.Tensor => {
    const grouped = tf.reshape(x, wide);
    const meanSquare = (): tf.Tensor => tf.mean(tf.square(grouped), axes, true);
    const normalized =
      op === "rmsNorm" ? tf.mul(grouped, tf.rsqrt(tf.add(meanSquare(), EPS))) : standardize(grouped, axes);
    const scaled = tf.mul(normalized, tf.reshape(weight, size));
    return tf.reshape(op === "rmsNorm" ? scaled : tf.add(scaled, tf.reshape(bias, size)), [...shape]);
  };
  const withBias = tf.valueAndGrads((x, weight, bias) => {
    if (!x || !weight || !bias) throw new Error("norm: expected three inputs");
    return forward(x, weight, bias);
  });
  const withoutBias = tf.valueAndGrads((x, weight) => {
    if (!x || !weight) throw new Error("norm: expected two inputs");
    return forward(x, weight, weight);
  });
  const count = [inputs.weight.length];
  return preparedArrays(() => {
    tf.engine().startScope();
    const given = [make(inputs.x, shape), make(inputs.weight, count)];
    const gradOutput = make(inputs.gradOutput, shape);
    const { value, grads } =
      op === "rmsNorm" ? withoutBias(given, gradOutput) : withBias([...given, make(inputs.bias, count)], gradOutput);
    const results = [value, ...grads].map(floats);
    tf.engine().endScope();
    return results;
  }, true);
}

function matmul(measured: MatmulCase): Prepared {
  const shape = [measured.size, measured.size];
  const [a, b] = matmulInputs(measured);
  return preparedArrays(() => {
    tf.engine().startScope();
    const results = [floats(tf.matMul(make(a, shape), make(b, shape)))];
    tf.engine().endScope();
    return results;
  });
}

function mlp(measured: MlpCase): Prepared {
  const { batch, sizes, lr } = measured;
  const { x, labels } = mlpBatch(measured);
  const input = make(x, [batch, sizes[0]]);
  const target = tf.cast(tf.oneHot(tf.tensor1d(labels, "int32"), sizes[3]), "float32");
  const parameters = mlpParameters(measured).map(({ data, shape }) => tf.variable(make(data, shape)));
  const [w1, b1, s1, t1, w2, b2, s2, t2, w3, b3] = parameters;
  if (!w1 || !b1 || !s1 || !t1 || !w2 || !b2 || !s2 || !t2 || !w3 || !b3)
    throw new Error("mlp: expected ten parameters");
  const layer = (from: tf.Tensor, w: tf.Tensor, b: tf.Tensor, s: tf.Tensor, t: tf.Tensor): tf.Tensor =>
    tf.relu(tf.add(tf.mul(standardize(tf.add(tf.matMul(from, w, false, true), b), [-1]), s), t));
  const lossOf = (): tf.Scalar => {
    const hidden = layer(layer(input, w1, b1, s1, t1), w2, b2, s2, t2);
    const logP = tf.logSoftmax(tf.add(tf.matMul(hidden, w3, false, true), b3));
    return tf.mul(tf.sum<tf.Scalar>(tf.mul(logP, target)), -1 / batch);
  };
  return prepared(
    () => {
      tf.engine().startScope();
      const { value, grads } = tf.variableGrads(lossOf);
      for (const parameter of parameters) {
        const gradient = grads[parameter.name];
        if (gradient) parameter.assign(tf.sub(parameter, tf.mul(gradient, lr)));
      }
      const loss = floats(value);
      tf.engine().endScope();
      return loss;
    },
    () => parameters.map(floats),
  );
}
