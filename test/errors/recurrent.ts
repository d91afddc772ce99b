// @ts-nocheck: TypeScript would refuse most of these calls; JavaScript does not.
/** Recurrent cells, embedding, attention, and the schedules that one file each has. */
import {
  embedding,
  Embedding,
  ExponentialLR,
  GRUCell,
  gruCell,
  LambdaLR,
  LinearLR,
  LSTMCell,
  MultiStepLR,
  OneCycleLR,
  ones,
  randn,
  RNNCell,
  rnnCell,
  scaledDotProductAttention,
  SequentialLR,
  SGD,
} from "../../src/index.ts";
import type { WrongCalls } from "./wrongCall.ts";

const x = randn([4, 3]);
const h = randn([4, 2]);
const [ih, hh, bias] = [randn([2, 3]), randn([2, 2]), randn([2])];
const [rnn, gru, lstm] = [new RNNCell(3, 2), new GRUCell(3, 2), new LSTMCell(3, 2)];
const table = randn([4, 3]);
const [q, k, v] = [randn([3, 2]), randn([4, 2]), randn([4, 5])];

const optimizer = () => new SGD([ones([1], { requiresGrad: true })], { lr: 0.1 });
const sgd = optimizer();
const decay = new ExponentialLR(sgd, { gamma: 0.9 });
const plain = { paramGroups: [{ lr: 0.1 }] };
const oneCycle = new OneCycleLR(optimizer(), { maxLr: 1, totalSteps: 2 });
oneCycle.step();
oneCycle.step();

export const recurrent: WrongCalls = {
  fixtures: { x, h, ih, hh, rnn, gru, lstm, table, q, k, v, sgd, decay, plain, oneCycle },
  rows: [
    {
      call: "new RNNCell(3)",
      run: () => new RNNCell(3),
      kind: TypeError,
      message: "RNNCell: expected hiddenSize to be a number, got undefined",
    },
    {
      call: "new GRUCell(0, 2)",
      run: () => new GRUCell(0, 2),
      kind: RangeError,
      message: "GRUCell: expected inputSize to be a positive whole number, got 0",
    },
    {
      call: "new LSTMCell(3, 2, false)",
      run: () => new LSTMCell(3, 2, false),
      kind: TypeError,
      message: "LSTMCell: expected options as an object { bias, generator, dtype }, got false",
    },
    {
      call: 'new RNNCell(3, 2, "relu")',
      run: () => new RNNCell(3, 2, "relu"),
      kind: TypeError,
      message: 'RNNCell: expected options as an object { bias, generator, dtype, nonlinearity }, got "relu"',
    },
    {
      call: 'new RNNCell(3, 2, { nonlinearity: "gelu" })',
      run: () => new RNNCell(3, 2, { nonlinearity: "gelu" }),
      kind: TypeError,
      message: 'RNNCell: expected nonlinearity "tanh" or "relu", got "gelu"',
    },
    {
      call: "rnnCell(x, h, ih, hh, { nonlinearity: null })",
      run: () => rnnCell(x, h, ih, hh, { nonlinearity: null }),
      kind: TypeError,
      message: 'rnnCell: expected nonlinearity "tanh" or "relu", got null',
    },
    {
      call: "rnnCell(x, h, ih, hh, bias)",
      run: () => rnnCell(x, h, ih, hh, bias),
      kind: TypeError,
      message: "rnnCell: expected options as an object { biasIh, biasHh, nonlinearity }, got a Tensor",
    },
    {
      call: "rnnCell(x)",
      run: () => rnnCell(x),
      kind: TypeError,
      message: "rnnCell: expected weightHh to be a tensor, got undefined",
    },
    {
      call: "rnnCell(x, null, ih, hh)",
      run: () => rnnCell(x, null, ih, hh),
      kind: TypeError,
      message: "rnnCell: expected hx to be a tensor, got null",
    },
    {
      call: "rnnCell(x, h, ih, ih)",
      run: () => rnnCell(x, h, ih, ih),
      kind: RangeError,
      message: "rnnCell: expected weightHh [hiddenSize, hiddenSize], got shape [2, 3]",
    },
    {
      call: "gruCell(x, h, ih, hh)",
      run: () => gruCell(x, h, ih, hh),
      kind: RangeError,
      message: "gruCell: expected weightHh [3 · hiddenSize, hiddenSize], got shape [2, 2]",
    },
    {
      call: "rnnCell(x, h, hh.select(0, 0), hh)",
      run: () => rnnCell(x, h, hh.select(0, 0), hh),
      kind: RangeError,
      message: "rnnCell: expected weightIh [2, inputSize], got shape [2]",
    },
    {
      call: "rnnCell(h, h, ih, hh)",
      run: () => rnnCell(h, h, ih, hh),
      kind: RangeError,
      message: "rnnCell: expected input [batch, 3] or [3], got shape [4, 2]",
    },
    {
      call: "rnn.forward(randn([5, 4, 3]))",
      run: () => rnn.forward(randn([5, 4, 3])),
      kind: RangeError,
      by: "rnnCell",
      message: "rnnCell: expected input [batch, 3] or [3], got shape [5, 4, 3]",
    },
    {
      call: "rnn.forward()",
      run: () => rnn.forward(),
      kind: TypeError,
      by: "rnnCell",
      message: "rnnCell: expected input to be a tensor, got undefined",
    },
    {
      call: "gru.forward(x, randn([1, 2]))",
      run: () => gru.forward(x, randn([1, 2])),
      kind: RangeError,
      by: "gruCell",
      message: "gruCell: expected hx of shape [4, 2], got [1, 2]",
    },
    {
      call: "rnnCell(x, h, ih, hh, { biasIh: ones([3]) })",
      run: () => rnnCell(x, h, ih, hh, { biasIh: ones([3]) }),
      kind: RangeError,
      message: "rnnCell: expected biasIh of shape [2], got [3]",
    },
    {
      call: "rnnCell(x, h, ih, hh, { biasHh: true })",
      run: () => rnnCell(x, h, ih, hh, { biasHh: true }),
      kind: TypeError,
      message: "rnnCell: expected biasHh to be a tensor, got true",
    },
    {
      call: "lstm.forward(x, h)",
      run: () => lstm.forward(x, h),
      kind: TypeError,
      by: "lstmCell",
      message: "lstmCell: expected hx as a pair [h, c], got a Tensor",
    },
    {
      call: "lstm.forward(x, [h])",
      run: () => lstm.forward(x, [h]),
      kind: TypeError,
      by: "lstmCell",
      message: "lstmCell: expected hx as a pair [h, c], got [a Tensor]",
    },
    {
      call: "lstm.forward(x, [h, randn([4, 3])])",
      run: () => lstm.forward(x, [h, randn([4, 3])]),
      kind: RangeError,
      by: "lstmCell",
      message: "lstmCell: expected c of shape [4, 2], got [4, 3]",
    },
    {
      call: 'lstm.forward(x.to("float32"))',
      run: () => lstm.forward(x.to("float32")),
      kind: TypeError,
      by: "linear",
      message: "linear: expected inputs of one dtype, got float32 and float64: convert one with .to(dtype)",
    },
    {
      call: "embedding(table, [0])",
      run: () => embedding(table, [0]),
      kind: TypeError,
      message: "embedding: expected weight to be a tensor, got [0]",
    },
    {
      call: "embedding([0], bias)",
      run: () => embedding([0], bias),
      kind: RangeError,
      message: "embedding: expected weight [numEmbeddings, embeddingDim], got shape [2]",
    },
    {
      call: "embedding([0, 4], table)",
      run: () => embedding([0, 4], table),
      kind: RangeError,
      message: "embedding: expected indices in [0, 4), got 4 at 1",
    },
    {
      call: "embedding([0, -1], table)",
      run: () => embedding([0, -1], table),
      kind: RangeError,
      message: "embedding: expected indices in [0, 4), got -1 at 1",
    },
    {
      call: "embedding(0.5, table)",
      run: () => embedding(0.5, table),
      kind: RangeError,
      message: "embedding: expected indices in [0, 4), got 0.5 at 0",
    },
    {
      call: "embedding(ones([2]), table)",
      run: () => embedding(ones([2]), table),
      kind: TypeError,
      message:
        "embedding: expected indices as numbers, nested arrays or an Int32Array, got a Tensor: pass its toArray()",
    },
    {
      call: 'embedding(["the"], table)',
      run: () => embedding(["the"], table),
      kind: TypeError,
      message: 'embedding: expected indices as numbers, nested arrays or an Int32Array, got "the"',
    },
    {
      call: "embedding([[0, 1], [2]], table)",
      run: () => embedding([[0, 1], [2]], table),
      kind: RangeError,
      message:
        "embedding: expected indices as numbers, nested arrays or an Int32Array of one shape beside each other, got [2] and [1]",
    },
    {
      call: "embedding(Int32Array.of(0, 1, 2), table, { shape: [2, 2] })",
      run: () => embedding(Int32Array.of(0, 1, 2), table, { shape: [2, 2] }),
      kind: RangeError,
      message: "embedding: expected 4 indices for shape [2, 2], got 3",
    },
    {
      call: "embedding(Int32Array.of(0), table, { shape: 1 })",
      run: () => embedding(Int32Array.of(0), table, { shape: 1 }),
      kind: TypeError,
      message: "embedding: expected shape in an array, got 1",
    },
    {
      call: "embedding([0], table, 0)",
      run: () => embedding([0], table, 0),
      kind: TypeError,
      message: "embedding: expected options as an object { paddingIdx, shape }, got 0",
    },
    {
      call: "embedding([0], table, { paddingIdx: 4 })",
      run: () => embedding([0], table, { paddingIdx: 4 }),
      kind: RangeError,
      message: "embedding: expected paddingIdx in [-4, 4), got 4",
    },
    {
      call: 'new Embedding(10, 3, { paddingIdx: "0" })',
      run: () => new Embedding(10, 3, { paddingIdx: "0" }),
      kind: TypeError,
      message: 'Embedding: expected paddingIdx to be a number, got "0"',
    },
    {
      call: "new Embedding(10)",
      run: () => new Embedding(10),
      kind: TypeError,
      message: "Embedding: expected embeddingDim to be a number, got undefined",
    },
    {
      call: "new Embedding(0, 3)",
      run: () => new Embedding(0, 3),
      kind: RangeError,
      message: "Embedding: expected numEmbeddings to be a positive whole number, got 0",
    },
    {
      call: "scaledDotProductAttention(q, k)",
      run: () => scaledDotProductAttention(q, k),
      kind: TypeError,
      message: "scaledDotProductAttention: expected value to be a tensor, got undefined",
    },
    {
      call: "scaledDotProductAttention(q, k, v, true)",
      run: () => scaledDotProductAttention(q, k, v, true),
      kind: TypeError,
      message:
        "scaledDotProductAttention: expected options as an object { attnMask, dropoutP, isCausal, scale, generator }, got true",
    },
    {
      call: "scaledDotProductAttention(ones([2]), k, v)",
      run: () => scaledDotProductAttention(ones([2]), k, v),
      kind: RangeError,
      message: "scaledDotProductAttention: expected query of at least two dims, got shape [2]",
    },
    {
      call: "scaledDotProductAttention(q, v, v)",
      run: () => scaledDotProductAttention(q, v, v),
      kind: RangeError,
      message: "scaledDotProductAttention: expected key [*, S, 2] for query [3, 2], got shape [4, 5]",
    },
    {
      call: "scaledDotProductAttention(q, k, q)",
      run: () => scaledDotProductAttention(q, k, q),
      kind: RangeError,
      message: "scaledDotProductAttention: expected value [*, 4, Ev] for key [4, 2], got shape [3, 2]",
    },
    {
      call: "scaledDotProductAttention(ones([3, 1, 2]), ones([2, 4, 2]), v)",
      run: () => scaledDotProductAttention(ones([3, 1, 2]), ones([2, 4, 2]), v),
      kind: RangeError,
      message: "scaledDotProductAttention: expected shapes that broadcast together, got [3] and [2]",
    },
    {
      call: "scaledDotProductAttention(q, k, v, { dropoutP: 1.5 })",
      run: () => scaledDotProductAttention(q, k, v, { dropoutP: 1.5 }),
      kind: RangeError,
      message: "scaledDotProductAttention: expected dropoutP in [0, 1], got 1.5",
    },
    {
      call: 'scaledDotProductAttention(q, k, v, { scale: "1" })',
      run: () => scaledDotProductAttention(q, k, v, { scale: "1" }),
      kind: TypeError,
      message: 'scaledDotProductAttention: expected scale to be a number, got "1"',
    },
    {
      call: "scaledDotProductAttention(q, k, v, { generator: 0 })",
      run: () => scaledDotProductAttention(q, k, v, { generator: 0 }),
      kind: TypeError,
      message: "scaledDotProductAttention: expected a generator, as new Generator(0), got 0",
    },
    {
      call: "scaledDotProductAttention(q, k, v, { attnMask: [[true]], isCausal: true })",
      run: () => scaledDotProductAttention(q, k, v, { attnMask: [[true]], isCausal: true }),
      kind: TypeError,
      message: "scaledDotProductAttention: expected either isCausal or attnMask, got both",
    },
    {
      call: "scaledDotProductAttention(q, k, v, { attnMask: [[true, false, true]] })",
      run: () => scaledDotProductAttention(q, k, v, { attnMask: [[true, false, true]] }),
      kind: RangeError,
      message: "scaledDotProductAttention: expected attnMask of a shape that broadcasts to [3, 4], got [1, 3]",
    },
    {
      call: "scaledDotProductAttention(q, k, v, { attnMask: ones([2, 3, 4]) })",
      run: () => scaledDotProductAttention(q, k, v, { attnMask: ones([2, 3, 4]) }),
      kind: RangeError,
      message: "scaledDotProductAttention: expected attnMask of a shape that broadcasts to [3, 4], got [2, 3, 4]",
    },
    {
      call: "scaledDotProductAttention(q, k, v, { attnMask: [[0, 1, 1, 1]] })",
      run: () => scaledDotProductAttention(q, k, v, { attnMask: [[0, 1, 1, 1]] }),
      kind: TypeError,
      message: "scaledDotProductAttention: expected attnMask as a tensor or nested arrays of booleans, got 0",
    },
    {
      call: 'scaledDotProductAttention(q, k, v.to("float32"))',
      run: () => scaledDotProductAttention(q, k, v.to("float32")),
      kind: TypeError,
      message:
        "scaledDotProductAttention: expected inputs of one dtype, got float64 and float32: convert one with .to(dtype)",
    },
    {
      call: "new MultiStepLR(sgd, { milestones: 30 })",
      run: () => new MultiStepLR(sgd, { milestones: 30 }),
      kind: TypeError,
      message: "MultiStepLR: expected milestones in an array, got 30",
    },
    {
      call: "new MultiStepLR(sgd, { milestones: [30, 0] })",
      run: () => new MultiStepLR(sgd, { milestones: [30, 0] }),
      kind: RangeError,
      message: "MultiStepLR: expected milestones in positive whole numbers, got 0",
    },
    {
      call: "new MultiStepLR(sgd, { milestones: [30], gamma: -1 })",
      run: () => new MultiStepLR(sgd, { milestones: [30], gamma: -1 }),
      kind: RangeError,
      message: "MultiStepLR: expected gamma to be a number of at least 0, got -1",
    },
    {
      call: "new ExponentialLR(sgd, { gamma: -0.9 })",
      run: () => new ExponentialLR(sgd, { gamma: -0.9 }),
      kind: RangeError,
      message: "ExponentialLR: expected gamma to be a number of at least 0, got -0.9",
    },
    {
      call: "new ExponentialLR(sgd, 0.9)",
      run: () => new ExponentialLR(sgd, 0.9),
      kind: TypeError,
      message: "ExponentialLR: expected options as an object { gamma }, got 0.9",
    },
    {
      call: "new LinearLR(sgd, { startFactor: 2 })",
      run: () => new LinearLR(sgd, { startFactor: 2 }),
      kind: RangeError,
      message: "LinearLR: expected startFactor in [0, 1], got 2",
    },
    {
      call: "new LinearLR(sgd, { totalIters: 0 })",
      run: () => new LinearLR(sgd, { totalIters: 0 }),
      kind: RangeError,
      message: "LinearLR: expected totalIters to be a positive whole number, got 0",
    },
    {
      call: "new LambdaLR(sgd, (epoch) => 0.9 ** epoch)",
      run: () => new LambdaLR(sgd, (epoch) => 0.9 ** epoch),
      kind: TypeError,
      message: "LambdaLR: expected options as an object { lrLambda }, got a function",
    },
    {
      call: "new LambdaLR(sgd, { lrLambda: 0.9 })",
      run: () => new LambdaLR(sgd, { lrLambda: 0.9 }),
      kind: TypeError,
      message: "LambdaLR: expected lrLambda as a function or several, got 0.9",
    },
    {
      call: "new LambdaLR(sgd, { lrLambda: [] })",
      run: () => new LambdaLR(sgd, { lrLambda: [] }),
      kind: RangeError,
      message: "LambdaLR: expected one function a group (1), got 0",
    },
    {
      call: 'new LambdaLR(sgd, { lrLambda: () => "0.1" })',
      run: () => new LambdaLR(sgd, { lrLambda: () => "0.1" }),
      kind: TypeError,
      message: 'LambdaLR: expected lrLambda(0) to be a number, got "0.1"',
    },
    {
      call: "new SequentialLR(sgd, { schedulers: [], milestones: [] })",
      run: () => new SequentialLR(sgd, { schedulers: [], milestones: [] }),
      kind: RangeError,
      message: "SequentialLR: expected one milestone between two schedulers, got 0 for 0",
    },
    {
      call: "new SequentialLR(sgd, { schedulers: [decay, decay], milestones: [] })",
      run: () => new SequentialLR(sgd, { schedulers: [decay, decay], milestones: [] }),
      kind: RangeError,
      message: "SequentialLR: expected one milestone between two schedulers, got 0 for 2",
    },
    {
      call: "new SequentialLR(sgd, { schedulers: [decay, sgd], milestones: [5] })",
      run: () => new SequentialLR(sgd, { schedulers: [decay, sgd], milestones: [5] }),
      kind: TypeError,
      message: "SequentialLR: expected schedulers[1] to be one, got a SGD",
    },
    {
      call: "new SequentialLR(plain, { schedulers: [decay], milestones: [] })",
      run: () => new SequentialLR(plain, { schedulers: [decay], milestones: [] }),
      kind: RangeError,
      message: "SequentialLR: expected schedulers of this optimizer, got another's at 0",
    },
    {
      call: "new SequentialLR(sgd, { schedulers: [decay, decay, decay], milestones: [5, 5] })",
      run: () => new SequentialLR(sgd, { schedulers: [decay, decay, decay], milestones: [5, 5] }),
      kind: RangeError,
      message: "SequentialLR: expected milestones in ascending positive whole numbers, got [5, 5]",
    },
    {
      call: "new OneCycleLR(sgd, { maxLr: 1 })",
      run: () => new OneCycleLR(sgd, { maxLr: 1 }),
      kind: TypeError,
      message: "OneCycleLR: expected totalSteps, or epochs and stepsPerEpoch, got undefined and undefined",
    },
    {
      call: "new OneCycleLR(sgd, { totalSteps: 10 })",
      run: () => new OneCycleLR(sgd, { totalSteps: 10 }),
      kind: TypeError,
      message: "OneCycleLR: expected maxLr as a number or one for each group, got undefined",
    },
    {
      call: "new OneCycleLR(sgd, { maxLr: 1, totalSteps: 0 })",
      run: () => new OneCycleLR(sgd, { maxLr: 1, totalSteps: 0 }),
      kind: RangeError,
      message: "OneCycleLR: expected totalSteps to be a positive whole number, got 0",
    },
    {
      call: "new OneCycleLR(sgd, { maxLr: [1, 2], totalSteps: 10 })",
      run: () => new OneCycleLR(sgd, { maxLr: [1, 2], totalSteps: 10 }),
      kind: RangeError,
      message: "OneCycleLR: expected one number a group (1) for maxLr, got 2",
    },
    {
      call: "new OneCycleLR(sgd, { maxLr: -1, totalSteps: 10 })",
      run: () => new OneCycleLR(sgd, { maxLr: -1, totalSteps: 10 }),
      kind: RangeError,
      message: "OneCycleLR: expected maxLr to be a number of at least 0, got -1",
    },
    {
      call: "new OneCycleLR(sgd, { maxLr: 1, totalSteps: 10, pctStart: 30 })",
      run: () => new OneCycleLR(sgd, { maxLr: 1, totalSteps: 10, pctStart: 30 }),
      kind: RangeError,
      message: "OneCycleLR: expected pctStart in [0, 1], got 30",
    },
    {
      call: 'new OneCycleLR(sgd, { maxLr: 1, totalSteps: 10, annealStrategy: "cosine" })',
      run: () => new OneCycleLR(sgd, { maxLr: 1, totalSteps: 10, annealStrategy: "cosine" }),
      kind: TypeError,
      message: 'OneCycleLR: expected annealStrategy "cos" or "linear", got "cosine"',
    },
    {
      call: "new OneCycleLR(sgd, { maxLr: 1, totalSteps: 10, divFactor: 0 })",
      run: () => new OneCycleLR(sgd, { maxLr: 1, totalSteps: 10, divFactor: 0 }),
      kind: RangeError,
      message: "OneCycleLR: expected divFactor to be a positive number, got 0",
    },
    {
      call: "new OneCycleLR(plain, { maxLr: 1, totalSteps: 10 })",
      run: () => new OneCycleLR(plain, { maxLr: 1, totalSteps: 10 }),
      kind: TypeError,
      message: "OneCycleLR: expected an optimizer with momentum or cycleMomentum false, got one without",
    },
    {
      call: "oneCycle.step()",
      run: () => oneCycle.step(),
      kind: RangeError,
      by: "OneCycleLR",
      message: "OneCycleLR: expected at most totalSteps 2 steps, got 3",
    },
  ],
};
