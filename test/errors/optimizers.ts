// @ts-nocheck: TypeScript would refuse most of these calls; JavaScript does not.
/** Optimizers: no parameter, gradient or state changes. */
import { Adam, AdamW, Linear, ones, SGD, tensor } from "../../src/index.ts";
import type { WrongCalls } from "./wrongCall.ts";

const w = tensor([1, 2], { requiresGrad: true });
const b = tensor([0], { requiresGrad: true });
const model = new Linear(2, 1);
const sgd = new SGD([w], { lr: 0.1, momentum: 0.9 });
const adam = new Adam([w, b]);
w.square().sum().backward();
sgd.step();
const saved = sgd.stateDict();
const [group] = saved.paramGroups;
const withGrad = (gradient) => Object.assign(tensor([1, 2], { requiresGrad: true }), { grad: gradient });

export const optimizers: WrongCalls = {
  fixtures: { w, b, sgd, adam },
  rows: [
    {
      call: "new SGD(model, { lr: 0.1 })",
      run: () => new SGD(model, { lr: 0.1 }),
      kind: TypeError,
      message: "SGD: expected several tensors, as of model.parameters(), or groups { params, … } of them, got a Linear",
    },
    {
      call: "new SGD(model.parameters, { lr: 0.1 })",
      run: () => new SGD(model.parameters, { lr: 0.1 }),
      kind: TypeError,
      message:
        "SGD: expected several tensors, as of model.parameters(), or groups { params, … } of them, got a function",
    },
    {
      call: "new SGD(w, { lr: 0.1 })",
      run: () => new SGD(w, { lr: 0.1 }),
      kind: TypeError,
      message: "SGD: expected several tensors, as of model.parameters(), or groups { params, … } of them, got a Tensor",
    },
    {
      call: "new SGD([{ params: [w], weight_decay: 1 }], { lr: 0.1 })",
      run: () => new SGD([{ params: [w], weight_decay: 1 }], { lr: 0.1 }),
      kind: TypeError,
      message:
        "SGD: expected each group with options out of params, lr, momentum, dampening, weightDecay, nesterov, maximize, got weight_decay, which is weightDecay here",
    },
    {
      call: "new SGD([], { lr: 0.1 })",
      run: () => new SGD([], { lr: 0.1 }),
      kind: RangeError,
      message: "SGD: expected at least one parameter, got an empty list",
    },
    {
      call: "new SGD([{ params: w }], { lr: 0.1 })",
      run: () => new SGD([{ params: w }], { lr: 0.1 }),
      kind: TypeError,
      message: "SGD: expected several tensors, as of model.parameters(), or groups { params, … } of them, got a Tensor",
    },
    {
      call: "new SGD([null], { lr: 0.1 })",
      run: () => new SGD([null], { lr: 0.1 }),
      kind: TypeError,
      message: "SGD: expected several tensors, as of model.parameters(), or groups { params, … } of them, got null",
    },
    {
      call: "new SGD([{ params: [1] }], { lr: 0.1 })",
      run: () => new SGD([{ params: [1] }], { lr: 0.1 }),
      kind: TypeError,
      message: "SGD: expected parameters that are tensors, got 1 for number 0",
    },
    {
      call: "new SGD([w, { params: [b] }], { lr: 0.1 })",
      run: () => new SGD([w, { params: [b] }], { lr: 0.1 }),
      kind: TypeError,
      message: "SGD: expected either tensors or groups, got 1 and 1 of them",
    },
    {
      call: "new SGD([w.mul(2)], { lr: 0.1 })",
      run: () => new SGD([w.mul(2)], { lr: 0.1 }),
      kind: TypeError,
      message: "SGD: expected leaves to train, got the output of mul for number 0",
    },
    {
      call: "new SGD([w, w], { lr: 0.1 })",
      run: () => new SGD([w, w], { lr: 0.1 }),
      kind: RangeError,
      message: "SGD: expected each parameter once, got number 1 again",
    },
    {
      call: "new SGD([w])",
      run: () => new SGD([w]),
      kind: TypeError,
      message:
        "SGD: expected options as an object { lr, momentum, dampening, weightDecay, nesterov, maximize }, got undefined",
    },
    {
      call: "new SGD([w], 0.1)",
      run: () => new SGD([w], 0.1),
      kind: TypeError,
      message:
        "SGD: expected options as an object { lr, momentum, dampening, weightDecay, nesterov, maximize }, got 0.1",
    },
    {
      call: "new SGD([w], {})",
      run: () => new SGD([w], {}),
      kind: TypeError,
      message: "SGD: expected lr to be a number, got undefined",
    },
    {
      call: "new SGD([w], { lr: -0.1 })",
      run: () => new SGD([w], { lr: -0.1 }),
      kind: RangeError,
      message: "SGD: expected lr to be a finite number of at least 0, got -0.1",
    },
    {
      call: 'new SGD([w], { lr: "0.1" })',
      run: () => new SGD([w], { lr: "0.1" }),
      kind: TypeError,
      message: 'SGD: expected lr to be a number, got "0.1"',
    },
    {
      call: "new SGD([w], { lr: 0.1, momentum: NaN })",
      run: () => new SGD([w], { lr: 0.1, momentum: NaN }),
      kind: RangeError,
      message: "SGD: expected momentum to be a finite number of at least 0, got NaN",
    },
    {
      call: "new SGD([w], { lr: 0.1, dampening: Infinity })",
      run: () => new SGD([w], { lr: 0.1, dampening: Infinity }),
      kind: RangeError,
      message: "SGD: expected dampening to be a finite number, got Infinity",
    },
    {
      call: "new SGD([w], { lr: 0.1, nesterov: true })",
      run: () => new SGD([w], { lr: 0.1, nesterov: true }),
      kind: RangeError,
      message: "SGD: expected a momentum and no dampening with nesterov, got momentum 0 and dampening 0",
    },
    {
      call: "new SGD([{ params: [w], lr: -1 }], { lr: 0.1 })",
      run: () => new SGD([{ params: [w], lr: -1 }], { lr: 0.1 }),
      kind: RangeError,
      message: "SGD: expected lr to be a finite number of at least 0, got -1",
    },
    {
      call: "new Adam()",
      run: () => new Adam(),
      kind: TypeError,
      message:
        "Adam: expected several tensors, as of model.parameters(), or groups { params, … } of them, got undefined",
    },
    {
      call: "new Adam([w], 0.001)",
      run: () => new Adam([w], 0.001),
      kind: TypeError,
      message: "Adam: expected options as an object { lr, betas, eps, weightDecay, amsgrad, maximize }, got 1e-3",
    },
    {
      call: "new Adam([w], { betas: 0.9 })",
      run: () => new Adam([w], { betas: 0.9 }),
      kind: TypeError,
      message: "Adam: expected betas in an array, got 0.9",
    },
    {
      call: "new Adam([w], { betas: [0.9] })",
      run: () => new Adam([w], { betas: [0.9] }),
      kind: TypeError,
      message: "Adam: expected betas[1] to be a number, got undefined",
    },
    {
      call: "new Adam([w], { betas: [0.9, 1] })",
      run: () => new Adam([w], { betas: [0.9, 1] }),
      kind: RangeError,
      message: "Adam: expected betas[1] to be in [0, 1), got 1",
    },
    {
      call: "new Adam([w], { eps: -1e-8 })",
      run: () => new Adam([w], { eps: -1e-8 }),
      kind: RangeError,
      message: "Adam: expected eps to be a finite number of at least 0, got -1e-8",
    },
    {
      call: "new AdamW([w], 0.001)",
      run: () => new AdamW([w], 0.001),
      kind: TypeError,
      message: "AdamW: expected options as an object { lr, betas, eps, weightDecay, amsgrad, maximize }, got 1e-3",
    },
    {
      call: "new AdamW([w], { weightDecay: null })",
      run: () => new AdamW([w], { weightDecay: null }),
      kind: TypeError,
      message: "AdamW: expected weightDecay to be a number, got null",
    },
    {
      call: "sgd.lr = -1",
      run: () => (sgd.lr = -1),
      kind: RangeError,
      by: "SGD",
      message: "SGD: expected lr to be a finite number of at least 0, got -1",
    },
    {
      call: "new SGD([w, withGrad(ones([3]))], { lr: 0.1 }).step()",
      run: () => new SGD([w, withGrad(ones([3]))], { lr: 0.1 }).step(),
      kind: RangeError,
      message: "SGD: expected a gradient of its parameter's shape [2], got [3]",
    },
    {
      call: 'new SGD([w, withGrad(ones([2], { dtype: "float32" }))], { lr: 0.1 }).step()',
      run: () => new SGD([w, withGrad(ones([2], { dtype: "float32" }))], { lr: 0.1 }).step(),
      kind: TypeError,
      message: "SGD: expected a gradient in its parameter's dtype float64, got float32",
    },
    {
      call: "new SGD([w, withGrad([1, 1])], { lr: 0.1 }).step()",
      run: () => new SGD([w, withGrad([1, 1])], { lr: 0.1 }).step(),
      kind: TypeError,
      message: "SGD: expected a gradient to be a tensor, got [1, 1]",
    },
    {
      call: "sgd.loadStateDict()",
      run: () => sgd.loadStateDict(),
      kind: TypeError,
      message: "loadStateDict: expected a state dict as an object { name: value }, got undefined",
    },
    {
      call: "sgd.loadStateDict({})",
      run: () => sgd.loadStateDict({}),
      kind: TypeError,
      message: "loadStateDict: expected its state as an object { name: value }, got undefined",
    },
    {
      call: "sgd.loadStateDict({ state: {} })",
      run: () => sgd.loadStateDict({ state: {} }),
      kind: TypeError,
      message: "loadStateDict: expected its paramGroups in an array, got undefined",
    },
    {
      call: "sgd.loadStateDict({ ...saved, paramGroups: [{ lr: 0.1 }] })",
      run: () => sgd.loadStateDict({ ...saved, paramGroups: [{ lr: 0.1 }] }),
      kind: TypeError,
      message: "loadStateDict: expected the params of each group in an array, got undefined",
    },
    {
      call: "sgd.loadStateDict(adam.stateDict())",
      run: () => sgd.loadStateDict(adam.stateDict()),
      kind: RangeError,
      message: "loadStateDict: expected groups of 1 parameters, got 2",
    },
    {
      call: "sgd.loadStateDict({ ...saved, paramGroups: [{ ...group, lr: -1 }] })",
      run: () => sgd.loadStateDict({ ...saved, paramGroups: [{ ...group, lr: -1 }] }),
      kind: RangeError,
      by: "SGD",
      message: "SGD: expected lr to be a finite number of at least 0, got -1",
    },
    {
      call: "sgd.loadStateDict({ ...saved, paramGroups: [{ ...group, momentum: 0 }] })",
      run: () => sgd.loadStateDict({ ...saved, paramGroups: [{ ...group, momentum: 0 }] }),
      kind: RangeError,
      message: "loadStateDict: expected state of no name for parameter 0, got momentumBuffer",
    },
    {
      call: "sgd.loadStateDict({ ...saved, state: { 0: null } })",
      run: () => sgd.loadStateDict({ ...saved, state: { 0: null } }),
      kind: TypeError,
      message: "loadStateDict: expected the state of parameter 0 as an object { name: value }, got null",
    },
    {
      call: "sgd.loadStateDict({ ...saved, state: { 0: {} } })",
      run: () => sgd.loadStateDict({ ...saved, state: { 0: {} } }),
      kind: RangeError,
      message: "loadStateDict: expected state momentumBuffer for parameter 0, got none",
    },
    {
      call: "sgd.loadStateDict({ ...saved, state: { 0: { momentumBuffer: [1, 2] } } })",
      run: () => sgd.loadStateDict({ ...saved, state: { 0: { momentumBuffer: [1, 2] } } }),
      kind: TypeError,
      message: "loadStateDict: expected momentumBuffer of parameter 0 to be a tensor, got [1, 2]",
    },
    {
      call: "sgd.loadStateDict({ ...saved, state: { 0: { momentumBuffer: ones([3]) } } })",
      run: () => sgd.loadStateDict({ ...saved, state: { 0: { momentumBuffer: ones([3]) } } }),
      kind: RangeError,
      message: "loadStateDict: expected momentumBuffer of parameter 0 in shape [2], got [3]",
    },
  ],
};
