/**
 * The binary format of a WebAssembly module, as far as the kernels use it. WebAssembly Core Specification 2.0, chapter 5:
 * https://webassembly.github.io/spec/core/binary/
 *
 * Code is a list of bytes. An instruction is a function from the code of its operands to code (see instructions.ts), so that
 * nested calls read as a formula, and come out in the order of a stack machine: operands first.
 */
export type Code = readonly number[];
export type ValueType = "i32" | "f32" | "f64" | "v128";

const VALUE_TYPES: Readonly<Record<ValueType, number>> = { i32: 0x7f, f32: 0x7d, f64: 0x7c, v128: 0x7b };
const FUNCTION_TYPE = 0x60;
const EMPTY_BLOCK = 0x40;
const SECTION = { type: 1, import: 2, function: 3, export: 7, code: 10 } as const;
/** "\0asm", version 1. */
const MAGIC: Code = [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
const EXTERNAL = { function: 0, memory: 2 } as const;

/** LEB128 of a number from 0 to 2³² − 1: seven bits a byte, the lowest first; the top bit says that more follow. */
export function unsigned(value: number): Code {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...unsigned(value >>> 7)];
}

/** The same for a number from −2³¹ to 2³¹ − 1, in two's complement: bit 6 of the last byte is the sign. */
export function signed(value: number): Code {
  return value >= -0x40 && value < 0x40 ? [value & 0x7f] : [(value & 0x7f) | 0x80, ...signed(value >> 7)];
}

const vector = (items: readonly Code[]): Code => [...unsigned(items.length), ...items.flat()];
const sized = (content: Code): Code => [...unsigned(content.length), ...content];
const section = (id: number, items: readonly Code[]): Code => [id, ...sized(vector(items))];
const text = (name: string): Code => sized(Array.from(name, (letter) => letter.charCodeAt(0)));

/** A parameter or a variable of a function. */
export interface Local {
  readonly get: Code;
  set(value: Code): Code;
  /** Sets it, and gives the value. */
  tee(value: Code): Code;
}

/** Code in sequence. */
export const sequence = (...parts: readonly Code[]): Code => parts.flat();

/** Runs `body`, then again as long as `condition` holds: the body runs at least once. */
export function doWhile(condition: Code, ...body: readonly Code[]): Code {
  return [0x03, EMPTY_BLOCK, ...body.flat(), ...condition, 0x0d, 0, 0x0b]; // loop … br_if 0 end
}

export function when(condition: Code, then: readonly Code[], otherwise: readonly Code[] = []): Code {
  return [...condition, 0x04, EMPTY_BLOCK, ...then.flat(), 0x05, ...otherwise.flat(), 0x0b]; // if … else … end
}

/** Runs `body` as long as `condition` holds. */
export function whileLoop(condition: Code, ...body: readonly Code[]): Code {
  return when(condition, [doWhile(condition, ...body)]);
}

/** `condition` (an i32) ? `a` : `b`, both evaluated. */
export function select(a: Code, b: Code, condition: Code): Code {
  return [...a, ...b, ...condition, 0x1b];
}

/** The parameters and variables of one function, numbered as they are asked for. */
export class Signature {
  readonly #parameters: ValueType[] = [];
  readonly #variables: ValueType[] = [];

  /** The next parameter. Ask for all of them before the first variable, since variables are numbered after them. */
  parameter(type: ValueType): Local {
    return localAt(this.#parameters.push(type) - 1);
  }

  /** A new variable; it is 0 when the function begins. */
  variable(type: ValueType): Local {
    return localAt(this.#parameters.length + this.#variables.push(type) - 1);
  }

  variables(type: ValueType, count: number): readonly Local[] {
    return Array.from({ length: count }, () => this.variable(type));
  }

  type(result: ValueType | null): Code {
    return [
      FUNCTION_TYPE,
      ...vector(this.#parameters.map(typeCode)),
      ...vector(result === null ? [] : [typeCode(result)]),
    ];
  }

  declarations(): Code {
    return vector(this.#variables.map((type) => [1, ...typeCode(type)]));
  }
}

function localAt(index: number): Local {
  const at = unsigned(index);
  return {
    get: [0x20, ...at],
    set: (value) => [...value, 0x21, ...at],
    tee: (value) => [...value, 0x22, ...at],
  };
}

/** What a function is called by in code. */
export type Call = (...operands: readonly Code[]) => Code;

/** A module of functions over one imported memory ("env" "memory"). Every function is exported under its name. */
export class ModuleBuilder {
  readonly #types: Code[] = [];
  readonly #exports: Code[] = [];
  readonly #bodies: Code[] = [];

  /** Adds a function. If it has a `result`, its body leaves that on the stack. */
  function(name: string, result: ValueType | null, body: (signature: Signature) => Code): Call {
    const index = this.#bodies.length;
    const signature = new Signature();
    const code = body(signature);
    this.#types.push(signature.type(result));
    this.#exports.push([...text(name), EXTERNAL.function, ...unsigned(index)]);
    this.#bodies.push(sized([...signature.declarations(), ...code, 0x0b]));
    return (...operands) => [...operands.flat(), 0x10, ...unsigned(index)];
  }

  /** The module, for a memory of exactly `pages` pages of 64 KB. */
  bytes(pages: number): Uint8Array<ArrayBuffer> {
    const size = [1, ...unsigned(pages), ...unsigned(pages)]; // 1: there is a maximum
    return Uint8Array.from([
      ...MAGIC,
      ...section(SECTION.type, this.#types),
      ...section(SECTION.import, [[...text("env"), ...text("memory"), EXTERNAL.memory, ...size]]),
      ...section(
        SECTION.function,
        this.#bodies.map((_, index) => unsigned(index)),
      ),
      ...section(SECTION.export, this.#exports),
      ...section(SECTION.code, this.#bodies),
    ]);
  }
}

const typeCode = (type: ValueType): Code => [VALUE_TYPES[type]];
