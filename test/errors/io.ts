// @ts-nocheck: TypeScript would refuse most of these calls; JavaScript does not.
/** Files that are none, and what is no state to save. */
import { Linear, ones, SGD, tensor } from "../../src/index.ts";
import {
  loadCheckpoint,
  loadSafetensors,
  safetensorsMetadata,
  saveCheckpoint,
  saveSafetensors,
} from "../../src/io/index.ts";
import { entry, fileOf, lengthBytes, zeroBytes } from "../io/bytes.ts";
import type { WrongCalls } from "./wrongCall.ts";

const x = ones([2]);
const model = new Linear(2, 1);
const optimizer = new SGD(model.parameters(), { lr: 0.1 });
const another = new SGD([model.weight], { lr: 0.1 });

export const io: WrongCalls = {
  fixtures: { x, model, optimizer },
  rows: [
    {
      call: 'loadSafetensors("model.safetensors")',
      run: () => loadSafetensors("model.safetensors"),
      kind: TypeError,
      message: 'loadSafetensors: expected the bytes of a file as a Uint8Array or ArrayBuffer, got "model.safetensors"',
    },
    {
      call: "loadSafetensors(zeroBytes(7))",
      run: () => loadSafetensors(zeroBytes(7)),
      kind: RangeError,
      message: "loadSafetensors: expected a header's length in the first 8 bytes, got 7 bytes",
    },
    {
      call: "safetensorsMetadata(zeroBytes(0))",
      run: () => safetensorsMetadata(zeroBytes(0)),
      kind: RangeError,
      message: "safetensorsMetadata: expected a header's length in the first 8 bytes, got 0 bytes",
    },
    {
      call: "loadSafetensors(lengthBytes(2n ** 64n - 1n))",
      run: () => loadSafetensors(lengthBytes(2n ** 64n - 1n)),
      kind: RangeError,
      message: "loadSafetensors: expected a header of at most 100000000 bytes, got one of 18446744073709551615",
    },
    {
      call: "loadSafetensors(lengthBytes(9n))",
      run: () => loadSafetensors(lengthBytes(9n)),
      kind: RangeError,
      message: "loadSafetensors: expected a header of 9 bytes, got 8 bytes in all",
    },
    {
      call: "loadSafetensors(lengthBytes(8n))",
      run: () => loadSafetensors(lengthBytes(8n)),
      kind: TypeError,
      message:
        'loadSafetensors: expected a header of JSON in UTF-8, got "\\u0000\\u0000\\u0000\\u0000\\u0000\\u0000\\u0000\\u0000"',
    },
    {
      call: 'loadSafetensors(fileOf("[]"))',
      run: () => loadSafetensors(fileOf("[]")),
      kind: TypeError,
      message: "loadSafetensors: expected the header as an object, got []",
    },
    {
      call: "loadSafetensors(fileOf({ x: 1 }))",
      run: () => loadSafetensors(fileOf({ x: 1 })),
      kind: TypeError,
      message: "loadSafetensors: expected x as { dtype, shape, data_offsets: [begin, end] } in whole numbers, got 1",
    },
    {
      call: 'loadSafetensors(fileOf({ x: entry("F32", [-1], 0, 4) }))',
      run: () => loadSafetensors(fileOf({ x: entry("F32", [-1], 0, 4) })),
      kind: TypeError,
      message:
        'loadSafetensors: expected x as { dtype, shape, data_offsets: [begin, end] } in whole numbers, got {"dtype":"F32","shape":[-1],"data_offsets":[0,4]}',
    },
    {
      call: 'loadSafetensors(fileOf({ x: entry("F32", [1], 0, 4.5) }))',
      run: () => loadSafetensors(fileOf({ x: entry("F32", [1], 0, 4.5) })),
      kind: TypeError,
      message:
        'loadSafetensors: expected x as { dtype, shape, data_offsets: [begin, end] } in whole numbers, got {"dtype":"F32","shape":[1],"data_offsets":[0,4.5]}',
    },
    {
      call: 'loadSafetensors(fileOf({ x: entry("F32", [1], 0, 4, 8) }))',
      run: () => loadSafetensors(fileOf({ x: entry("F32", [1], 0, 4, 8) })),
      kind: TypeError,
      message:
        'loadSafetensors: expected x as { dtype, shape, data_offsets: [begin, end] } in whole numbers, got {"dtype":"F32","shape":[1],"data_offsets":[0,4,8]}',
    },
    {
      call: 'loadSafetensors(fileOf({ x: entry("F8_E4M3", [1], 0, 1) }))',
      run: () => loadSafetensors(fileOf({ x: entry("F8_E4M3", [1], 0, 1) })),
      kind: TypeError,
      message:
        'loadSafetensors: expected x of a dtype out of F64, F32, F16, BF16, I64, U64, I32, U32, I16, U16, I8, U8, BOOL, got "F8_E4M3"',
    },
    {
      call: 'loadSafetensors(fileOf({ x: entry("F32", [2, 3], 0, 20) }))',
      run: () => loadSafetensors(fileOf({ x: entry("F32", [2, 3], 0, 20) })),
      kind: RangeError,
      message: "loadSafetensors: expected 24 bytes for x, F32 of shape [2, 3], got 20",
    },
    {
      call: 'loadSafetensors(fileOf({ x: entry("F32", [1], 4, 8) }, zeroBytes(8)))',
      run: () => loadSafetensors(fileOf({ x: entry("F32", [1], 4, 8) }, zeroBytes(8))),
      kind: RangeError,
      message: "loadSafetensors: expected x to begin at byte 0 of the data, got 4",
    },
    {
      call: 'loadSafetensors(fileOf({ x: entry("U8", [2], 0, 2), y: entry("U8", [2], 1, 3) }, zeroBytes(3)))',
      run: () => loadSafetensors(fileOf({ x: entry("U8", [2], 0, 2), y: entry("U8", [2], 1, 3) }, zeroBytes(3))),
      kind: RangeError,
      message: "loadSafetensors: expected y to begin at byte 2 of the data, got 1",
    },
    {
      call: 'loadSafetensors(fileOf({ x: entry("U8", [2], 0, 2) }, zeroBytes(3)))',
      run: () => loadSafetensors(fileOf({ x: entry("U8", [2], 0, 2) }, zeroBytes(3))),
      kind: RangeError,
      message: "loadSafetensors: expected 2 bytes of data, as the header says, got 3",
    },
    {
      call: 'loadSafetensors(fileOf({ x: entry("F64", [1], 0, 8) }))',
      run: () => loadSafetensors(fileOf({ x: entry("F64", [1], 0, 8) })),
      kind: RangeError,
      message: "loadSafetensors: expected 8 bytes of data, as the header says, got 0",
    },
    {
      call: 'loadSafetensors(fileOf({ x: entry("U64", [1], 0, 8) }, [255, 255, 255, 255, 255, 255, 255, 255]))',
      run: () => loadSafetensors(fileOf({ x: entry("U64", [1], 0, 8) }, [255, 255, 255, 255, 255, 255, 255, 255])),
      kind: RangeError,
      message: "loadSafetensors: expected whole numbers up to 2⁵³ − 1 in x, got 18446744073709552000",
    },
    {
      call: "loadSafetensors(fileOf({ __metadata__: [] }))",
      run: () => loadSafetensors(fileOf({ __metadata__: [] })),
      kind: TypeError,
      message: "loadSafetensors: expected metadata as an object { name: text }, got []",
    },
    {
      call: "safetensorsMetadata(fileOf({ __metadata__: { format: 1 } }))",
      run: () => safetensorsMetadata(fileOf({ __metadata__: { format: 1 } })),
      kind: TypeError,
      message: "safetensorsMetadata: expected the metadata format to be a text, got 1",
    },
    {
      call: "saveSafetensors({ x }, { metadata: { epoch: 3 } })",
      run: () => saveSafetensors({ x }, { metadata: { epoch: 3 } }),
      kind: TypeError,
      message: "saveSafetensors: expected the metadata epoch to be a text, got 3",
    },
    {
      call: 'saveSafetensors({ x }, { format: "pt" })',
      run: () => saveSafetensors({ x }, { format: "pt" }),
      kind: TypeError,
      message: "saveSafetensors: expected options out of metadata, int64, got format",
      by: "saveSafetensors",
    },
    {
      call: "saveSafetensors(model)",
      run: () => saveSafetensors(model),
      kind: TypeError,
      message:
        "saveSafetensors: expected tensors by their names, as model.stateDict() answers them (saveCheckpoint takes models and optimizers), got a Linear",
    },
    {
      call: "saveSafetensors(optimizer.stateDict())",
      run: () => saveSafetensors(optimizer.stateDict()),
      kind: TypeError,
      message:
        "saveSafetensors: expected state to be a tensor, got an object: saveCheckpoint keeps the state of an optimizer",
    },
    {
      call: "saveCheckpoint(model)",
      run: () => saveCheckpoint(model),
      kind: TypeError,
      message: "saveCheckpoint: expected training to be a module, an optimizer or a schedule, got true",
    },
    {
      call: "saveCheckpoint({ model: model.stateDict() })",
      run: () => saveCheckpoint({ model: model.stateDict() }),
      kind: TypeError,
      message: "saveCheckpoint: expected model to be a module, an optimizer or a schedule, got an object",
    },
    {
      call: "saveCheckpoint({ model }, { metadata: { epoch: 3 } })",
      run: () => saveCheckpoint({ model }, { metadata: { epoch: 3 } }),
      kind: TypeError,
      message: "saveSafetensors: expected the metadata epoch to be a text, got 3",
      by: "saveSafetensors",
    },
    {
      call: "loadCheckpoint(saveSafetensors({ x }), { model })",
      run: () => loadCheckpoint(saveSafetensors({ x }), { model }),
      kind: RangeError,
      message: "loadCheckpoint: expected a file of saveCheckpoint, got one without the states' JSON",
    },
    {
      call: "loadCheckpoint(saveCheckpoint({ model }), { model, optimizer })",
      run: () => loadCheckpoint(saveCheckpoint({ model }), { model, optimizer }),
      kind: RangeError,
      message: "loadCheckpoint: expected the states of optimizer in the file, got model",
    },
    {
      call: "loadCheckpoint(saveCheckpoint({ optimizer: another, model }), { model, optimizer })",
      run: () => loadCheckpoint(saveCheckpoint({ optimizer: another, model }), { model, optimizer }),
      kind: RangeError,
      message: "loadStateDict: expected groups of 2 parameters, got 1",
      by: "loadStateDict",
    },
    {
      call: "saveSafetensors([x])",
      run: () => saveSafetensors([x]),
      kind: TypeError,
      message: "saveSafetensors: expected tensors as an object { name: value }, got [a Tensor]",
    },
    {
      call: "saveSafetensors({ x: [1, 2] })",
      run: () => saveSafetensors({ x: [1, 2] }),
      kind: TypeError,
      message: "saveSafetensors: expected x to be a tensor, got [1, 2]",
    },
    {
      call: "saveSafetensors({ __metadata__: x })",
      run: () => saveSafetensors({ __metadata__: x }),
      kind: RangeError,
      message: "saveSafetensors: expected names of tensors, got __metadata__",
    },
    {
      call: 'saveSafetensors({ x }, { int64: () => "x" })',
      run: () => saveSafetensors({ x }, { int64: () => "x" }),
      kind: TypeError,
      message: 'saveSafetensors: expected int64("x") to be true or false, got "x"',
    },
    {
      call: "saveSafetensors({ num_batches_tracked: tensor(0.5) })",
      run: () => saveSafetensors({ num_batches_tracked: tensor(0.5) }),
      kind: RangeError,
      message: "saveSafetensors: expected whole numbers up to 2⁵³ − 1 in num_batches_tracked, to write as I64, got 0.5",
    },
  ],
};
