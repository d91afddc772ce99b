/** jax-js on its WebAssembly backend, everything under jit. Arrays count references: `.ref` keeps one alive. */
import { defaultDevice, init, jit, nn, numpy as np, valueAndGrad, vjp } from "@jax-js/jax";
import { createRequire } from "node:module";
import { EPS, layoutOf } from "../cases.ts";
import type { MatmulCase, MlpCase, NormCase } from "../cases.ts";
import { matmulInputs, mlpBatch, mlpParameters, normInputs } from "../data.ts";
import type { Floats } from "../data.ts";
import { prepared, preparedArrays } from "./contestant.ts";
import type { Contestant, Prepared } from "./contestant.ts";
import { versionOf } from "./version.ts";

type Array = np.Array;

export async function jax(): Promise<Contestant> {
  // It asks whether a Float64Array is one of these, which Node has from version 24 on: no input here is a Uint16Array.
  if (!("Float16Array" in globalThis)) Object.assign(globalThis, { Float16Array: Uint16Array });
  await init("wasm");
  defaultDevice("wasm");
  return {
    version: versionOf(createRequire(import.meta.url).resolve("@jax-js/jax")),
    prepare: (measured) => {
      if (measured.op === "matmul") return matmul(measured);
      return measured.op === "mlp" ? mlp(measured) : norm(measured);
    },
  };
}

const make = (data: Floats, shape: readonly number[]): Array =>
  np.array(data, { shape: [...shape], dtype: data instanceof Float32Array ? np.float32 : np.float64 });

function floats(array: Array): Floats {
  const data = array.dataSync();
  if (data instanceof Float32Array || data instanceof Float64Array) return data;
  throw new TypeError("jax-js: expected floating-point results");
}

/** x · rstd over `axes` of an input in the shape of `shape`, then the affine map. */
function norm(measured: NormCase): Prepared | null {
  const { op } = measured;
  if (op === "switchableNorm") return null;
  const inputs = normInputs(measured);
  const { repeats, sets, length, period, run } = layoutOf(measured);
  const rows = op === "layerNorm" || op === "rmsNorm";
  // [repeats, sets / period, period, channels of a set, positions]; rows: [1, sets, 1, length, 1]
  const wide = [repeats, sets / period, period, length / run, run];
  const size = [1, 1, period, length / run, 1];
  const forward = (x: Array, weight: Array, bias: Array): Array => {
    if (op === "rmsNorm") {
      const meanSquare = np.mean(np.square(x.ref), -1, { keepdims: true });
      bias.dispose();
      return x.div(np.sqrt(meanSquare.add(EPS))).mul(weight);
    }
    if (rows) return nn.standardize(x, -1, { epsilon: EPS }).mul(weight).add(bias);
    const axes = op === "batchNorm" ? [0, 1, 3, 4] : [3, 4];
    const normalized = nn.standardize(x.reshape(wide), axes, { epsilon: EPS });
    return normalized
      .mul(weight.reshape(size))
      .add(bias.reshape(size))
      .reshape([...measured.shape]);
  };
  const both = jit((x: Array, weight: Array, bias: Array, gradOutput: Array): Array[] => {
    const [output, pullback] = vjp(forward, [x, weight, bias]);
    const gradients = pullback(gradOutput);
    pullback.dispose();
    return [output, ...gradients];
  });
  const count = [inputs.weight.length];
  return preparedArrays(() => {
    const results = both(
      make(inputs.x, measured.shape),
      make(inputs.weight, count),
      make(inputs.bias, count),
      make(inputs.gradOutput, measured.shape),
    ).map(floats);
    return op === "rmsNorm" ? results.slice(0, 3) : results;
  }, op === "rmsNorm");
}

function matmul(measured: MatmulCase): Prepared {
  const shape = [measured.size, measured.size];
  const [a, b] = matmulInputs(measured);
  const multiply = jit((left: Array, right: Array) => np.matmul(left, right));
  return preparedArrays(() => [floats(multiply(make(a, shape), make(b, shape)))]);
}

function mlp(measured: MlpCase): Prepared {
  const { batch, sizes, lr } = measured;
  const { x, labels } = mlpBatch(measured);
  const input = make(x, [batch, sizes[0]]);
  const target = nn.oneHot(np.array(labels, { dtype: np.int32 }), sizes[3]);
  const lossOf = (parameters: Array[], given: Array, wanted: Array): Array => {
    const [w1, b1, s1, t1, w2, b2, s2, t2, w3, b3] = parameters;
    if (!w1 || !b1 || !s1 || !t1 || !w2 || !b2 || !s2 || !t2 || !w3 || !b3)
      throw new Error("mlp: expected ten parameters");
    const layer = (from: Array, w: Array, b: Array, s: Array, t: Array): Array =>
      nn.relu(
        nn
          .standardize(np.matmul(from, np.transpose(w)).add(b), -1, { epsilon: EPS })
          .mul(s)
          .add(t),
      );
    const hidden = layer(layer(given, w1, b1, s1, t1), w2, b2, s2, t2);
    const logits = np.matmul(hidden, np.transpose(w3)).add(b3);
    return np.sum(nn.logSoftmax(logits).mul(wanted)).mul(-1 / batch);
  };
  const train = jit((parameters: Array[], given: Array, wanted: Array): [Array, Array[]] => {
    const [loss, gradients] = valueAndGrad(lossOf)(
      parameters.map((parameter) => parameter.ref),
      given,
      wanted,
    );
    return [loss, parameters.map((parameter, i) => parameter.sub((gradients[i] ?? np.zeros([])).mul(lr)))];
  });
  let parameters = mlpParameters(measured).map(({ data, shape }) => make(data, shape));
  return prepared(
    () => {
      const [loss, next] = train(parameters, input.ref, target.ref);
      parameters = next;
      return floats(loss);
    },
    () => parameters.map((parameter) => floats(parameter.ref)),
  );
}
