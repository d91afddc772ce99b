/** What is tested of every recurrent cell in the same way. */
import fc from "fast-check";
import { NdArray, Tensor } from "../../src/autograd/index.ts";
import type { Shape } from "../../src/autograd/index.ts";
import { arrayOf, arraysOf, holds } from "./generators.ts";
import { given } from "./given.ts";
import { expectSecondOrderIsDifferences } from "./layerLaws.ts";
import { EXACT, expectBackwardIsDifferences, expectClose } from "./laws.ts";
import type { OpOnTensors } from "./laws.ts";

export interface CellSizes {
  /** [] or [batch]. */
  readonly leading: Shape;
  readonly inputSize: number;
  readonly hiddenSize: number;
  readonly hasBias: boolean;
}

const cellSizes: fc.Arbitrary<CellSizes> = fc.record({
  leading: fc.array(fc.integer({ min: 1, max: 3 }), { maxLength: 1 }),
  inputSize: fc.integer({ min: 1, max: 3 }),
  hiddenSize: fc.integer({ min: 1, max: 3 }),
  hasBias: fc.boolean(),
});

/** A cell with its state and its parameters in a list: input, state…, weightIh, weightHh, and both biases or none. */
export interface CellSpec {
  readonly gates: number;
  readonly states: number;
  readonly op: OpOnTensors;
  /** New state of one cell of one sample from the sums of its gates: u of the input, v of the hidden state. */
  readonly pointwise: (u: readonly number[], v: readonly number[], states: readonly number[]) => readonly number[];
}

function shapesOf({ gates, states }: CellSpec, { leading, inputSize, hiddenSize, hasBias }: CellSizes): Shape[] {
  const rows = gates * hiddenSize;
  return [
    [...leading, inputSize],
    ...Array.from({ length: states }, () => [...leading, hiddenSize]),
    [rows, inputSize],
    [rows, hiddenSize],
    ...(hasBias ? [[rows], [rows]] : []),
  ];
}

/** Every number of the output in plain loops; several states stand side by side. */
function loops(spec: CellSpec, { leading, inputSize, hiddenSize }: CellSizes, inputs: readonly NdArray[]): NdArray {
  const input = given(inputs[0]).data;
  const states = inputs.slice(1, 1 + spec.states).map((array) => array.data);
  const [weightIh, weightHh, biasIh, biasHh] = inputs.slice(1 + spec.states).map((array) => array.data);
  const batch = leading[0] ?? 1;
  const width = spec.states * hiddenSize;
  const output = new Float64Array(batch * width);
  for (let n = 0; n < batch; n++) {
    for (let cell = 0; cell < hiddenSize; cell++) {
      const [u, v]: [number[], number[]] = [[], []];
      for (let gate = 0; gate < spec.gates; gate++) {
        const row = gate * hiddenSize + cell;
        let ofInput = biasIh?.[row] ?? 0;
        let ofState = biasHh?.[row] ?? 0;
        for (let i = 0; i < inputSize; i++)
          ofInput += (weightIh?.[row * inputSize + i] ?? NaN) * (input[n * inputSize + i] ?? NaN);
        for (let j = 0; j < hiddenSize; j++)
          ofState += (weightHh?.[row * hiddenSize + j] ?? NaN) * (states[0]?.[n * hiddenSize + j] ?? NaN);
        u.push(ofInput);
        v.push(ofState);
      }
      const before = states.map((state) => state[n * hiddenSize + cell] ?? NaN);
      spec.pointwise(u, v, before).forEach((value, k) => {
        output[n * width + k * hiddenSize + cell] = value;
      });
    }
  }
  return new NdArray(output, [...leading, width]);
}

/** The output is that of plain loops. */
export function expectCellIsLoops(spec: CellSpec): void {
  const drawn = cellSizes.chain((sizes) => fc.tuple(fc.constant(sizes), arraysOf(shapesOf(spec, sizes))));
  holds(drawn, ([sizes, inputs]) => {
    const output = spec.op(inputs.map((array) => new Tensor(array)));
    expectClose("output of the cell", output.value, loops(spec, sizes, inputs), EXACT);
  });
}

/** Gradients of all inputs, and the gradients of these, are those of differences: a whole step, weights included. */
export function expectCellDerivatives(spec: CellSpec, numRuns = 12): void {
  const drawn = cellSizes.chain((sizes) => {
    const shapes = shapesOf(spec, sizes);
    return fc.record({
      inputs: arraysOf(shapes, small),
      weights: arraysOf(shapes),
      gradOutput: arrayOf([...sizes.leading, spec.states * sizes.hiddenSize]),
    });
  });
  holds(
    drawn,
    (draw) => {
      expectBackwardIsDifferences(spec.op, draw.inputs, draw.gradOutput);
      expectSecondOrderIsDifferences(spec.op, draw);
    },
    numRuns,
  );
}

/** Sums of a few products of these keep the gates out of saturation. */
const small = fc.integer({ min: -90, max: 90 }).map((hundredths) => (hundredths + 0.5) / 100);
