/** The parts of test/pytorch/nn.json on layers and their initialization. test/pytorch/README.md describes them. */
import { readFileSync } from "node:fs";
import { grad, Tensor } from "../../src/autograd/index.ts";
import { expectClose } from "./laws.ts";
import { decoded, PYTORCH } from "./nnFixture.ts";
import type { EncodedArray } from "./nnFixture.ts";

/** A case of one of the layers' ops; which options it has depends on the op. */
export interface LayerCase<Options> {
  readonly op: string;
  readonly name: string;
  readonly options: Options;
  readonly inputs: { readonly input: EncodedArray; readonly weight?: EncodedArray; readonly bias?: EncodedArray };
  readonly gradOutput: EncodedArray;
  readonly output: EncodedArray;
  readonly gradInput: EncodedArray;
  readonly gradWeight?: EncodedArray;
  readonly gradBias?: EncodedArray;
}

/** The initial distribution of a layer, or of an initializer for a shape. */
export interface InitCase {
  readonly init: string;
  readonly module?: string;
  readonly shape?: readonly number[];
  readonly options?: {
    readonly mode?: "fan_in" | "fan_out";
    readonly nonlinearity?: "relu" | "leaky_relu";
    readonly a?: number;
    readonly gain?: number;
  };
  readonly gain?: number;
  readonly weightBound?: number;
  readonly biasBound?: number;
  readonly bound?: number;
  readonly std?: number;
}

export function layerCases<Options = Readonly<Record<string, never>>>(op: string): readonly LayerCase<Options>[] {
  const { ops }: { readonly ops: readonly LayerCase<Options>[] } = JSON.parse(fixture());
  return ops.filter((entry) => entry.op === op);
}

export function initCases(): readonly InitCase[] {
  const { init }: { readonly init: readonly InitCase[] } = JSON.parse(fixture());
  return init;
}

/** Output and gradients are PyTorch's. */
export function expectAsPyTorch(
  entry: LayerCase<unknown>,
  op: (input: Tensor, weight: Tensor | null, bias: Tensor | null) => Tensor,
): void {
  const input = new Tensor(decoded(entry.inputs.input), true);
  const weight = leaf(entry.inputs.weight);
  const bias = leaf(entry.inputs.bias);
  const output = op(input, weight, bias);
  expectClose(`${entry.name}: output`, output.value, decoded(entry.output), PYTORCH);
  const leaves = [input, weight, bias].filter((tensor) => tensor !== null);
  const expected = [entry.gradInput, entry.gradWeight, entry.gradBias].filter((encoded) => encoded !== undefined);
  if (leaves.length !== expected.length) throw new Error(`${entry.name}: expected ${leaves.length} gradients`);
  grad(output, leaves, { gradOutput: new Tensor(decoded(entry.gradOutput)) }).forEach((gradient, i) => {
    const encoded = expected[i];
    if (encoded) expectClose(`${entry.name}: gradient ${i}`, gradient.value, decoded(encoded), PYTORCH);
  });
}

function leaf(encoded: EncodedArray | undefined): Tensor | null {
  return encoded ? new Tensor(decoded(encoded), true) : null;
}

function fixture(): string {
  return readFileSync(new URL("../pytorch/nn.json", import.meta.url), "utf8");
}
