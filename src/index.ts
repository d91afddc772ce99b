export * from "./autograd/index.ts";
export * from "./norms/index.ts";
export * from "./nn/index.ts";
