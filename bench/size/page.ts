/** What a page that trains with LayerNorm imports; bundled by size.ts, not run. */
import { crossEntropy, LayerNorm, Linear, ReLU, Sequential, SGD, tensor } from "normgrad";

export function train(x: readonly number[][], labels: readonly number[]): number {
  const model = new Sequential(new Linear(64, 128), new LayerNorm(128), new ReLU(), new Linear(128, 10));
  const optimizer = new SGD(model.parameters(), { lr: 0.1 });
  const loss = crossEntropy(model.forward(tensor(x)), labels);
  loss.backward();
  optimizer.step();
  return loss.item();
}
