/** This library, as a user calls it: functional ops on tensors, recorded on the tape. */
import { createRequire } from "node:module";
import * as library from "normgrad";
import type { Tensor } from "normgrad";
import { EPS } from "../cases.ts";
import type { MatmulCase, MlpCase, NormCase } from "../cases.ts";
import { matmulInputs, mlpBatch, mlpParameters, normInputs } from "../data.ts";
import type { Floats } from "../data.ts";
import { prepared, Unavailable } from "./contestant.ts";
import type { Contestant, Prepared } from "./contestant.ts";

const { LayerNorm, Linear, NdArray, ReLU, SGD, Sequential, Tensor: TensorClass, crossEntropy } = library;

export function normgrad(backend: "formula" | "typescript" | "wasm"): Contestant {
  try {
    library.setBackend(backend);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new Unavailable("not available");
  }
  return {
    version: String(createRequire(import.meta.url)("../../package.json").version),
    prepare: (measured) => {
      if (measured.op === "matmul") return matmul(measured);
      return measured.op === "mlp" ? mlp(measured) : norm(measured);
    },
  };
}

/** The array itself, not a copy of it. */
const wrap = (data: Floats, shape: readonly number[], requiresGrad = false): Tensor =>
  new TensorClass(new NdArray(data, shape), requiresGrad);

function norm(measured: NormCase): Prepared {
  const { op, shape, numGroups } = measured;
  const inputs = normInputs(measured);
  const size = [inputs.weight.length];
  const apply = (x: Tensor, weight: Tensor, bias: Tensor, means: Tensor, variances: Tensor): Tensor => {
    switch (op) {
      case "layerNorm":
        return library.layerNorm(x, size, { weight, bias, eps: EPS });
      case "rmsNorm":
        return library.rmsNorm(x, size, { weight, eps: EPS });
      case "batchNorm":
        return library.batchNorm(x, null, null, { weight, bias, training: true, eps: EPS });
      case "groupNorm":
        return library.groupNorm(x, numGroups, { weight, bias, eps: EPS });
      case "instanceNorm":
        return library.instanceNorm(x, { weight, bias, eps: EPS });
      case "switchableNorm":
        return library.switchableNorm(x, means, variances, { weight, bias, training: true, eps: EPS });
    }
  };
  const hasLogits = op === "switchableNorm";
  return prepared(
    () => {
      const x = wrap(inputs.x, shape, true);
      const weight = wrap(inputs.weight, size, true);
      const bias = wrap(inputs.bias, size, op !== "rmsNorm");
      const means = wrap(inputs.meanWeight, [3], hasLogits);
      const variances = wrap(inputs.varWeight, [3], hasLogits);
      const output = apply(x, weight, bias, means, variances);
      output.backward(wrap(inputs.gradOutput, shape));
      return [output, x.grad, weight.grad, bias.grad, means.grad, variances.grad];
    },
    (results) => results.flatMap((result) => (result ? [result.data] : [])),
  );
}

function matmul(measured: MatmulCase): Prepared {
  const [a, b] = matmulInputs(measured).map((data) => wrap(data, [measured.size, measured.size]));
  if (!a || !b) throw new Error("matmul: expected two matrices");
  return prepared(
    () => a.matmul(b),
    (output) => [output.data],
  );
}

function mlp(measured: MlpCase): Prepared {
  const { dtype, lr, sizes, batch } = measured;
  const [inputs, hidden, hidden2, classes] = sizes;
  const model = new Sequential(
    new Linear(inputs, hidden, { dtype }),
    new LayerNorm(hidden, { dtype, eps: EPS }),
    new ReLU(),
    new Linear(hidden, hidden2, { dtype }),
    new LayerNorm(hidden2, { dtype, eps: EPS }),
    new ReLU(),
    new Linear(hidden2, classes, { dtype }),
  );
  const start = mlpParameters(measured).map(({ name, shape, data }) => [name, wrap(data, shape)] as const);
  model.loadStateDict(Object.fromEntries(start));
  const optimizer = new SGD(model.parameters(), { lr });
  const { x, labels } = mlpBatch(measured);
  const input = wrap(x, [batch, inputs]);
  return prepared(
    () => {
      optimizer.zeroGrad();
      const loss = crossEntropy(model.forward(input), labels);
      loss.backward();
      optimizer.step();
      return loss;
    },
    () => Object.values(model.stateDict()).map(({ data }) => data),
  );
}
