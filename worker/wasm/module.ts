/** tfjs-backend-wasm's own program, made to run on memory that threads share. */
import { readFileSync } from "node:fs";
import { AppError } from "../../shared/errors.js";

/** Of a WebAssembly program's sections: the one that says what memory it has. */
const memorySection = 5;
/** What it says of the one memory: it has a most of pages; and that several threads may have it. */
const [limited, limitedAndShared] = [1, 3];
/** "\0asm" and the version. */
const headerBytes = 8;

/**
 * The program for vectors and one thread, as a URL, with one bit changed. The package's own form for threads would start eight
 * of a browser's, whatever they are for, and divides none of the kernels that training spends its time in.
 * @throws AppError ENGINE_FAILED
 */
export function sharedProgram(path: string): string {
  const bytes = withSharedMemory(readFileSync(path));
  return `data:application/wasm;base64,${bytes.toString("base64")}`;
}

/** Changes the program that is given. */
export function withSharedMemory(program: Buffer): Buffer {
  for (let at = headerBytes; at < program.length; ) {
    const [length, begin] = readUnsigned(program, at + 1);
    // How many memories, then the first one's limits.
    if (program[at] === memorySection && program[begin] === 1 && program[begin + 1] === limited) {
      program[begin + 1] = limitedAndShared;
      return program;
    }
    at = begin + length;
  }
  throw new AppError("ENGINE_FAILED", "tfjs-backend-wasm is not the program that seedgrow knows", {
    hint: "Install the packages that package-lock.json names: npm ci",
  });
}

/** LEB128, as all numbers of a program's frame are: [the number, where what follows begins]. */
function readUnsigned(program: Buffer, at: number): [value: number, next: number] {
  let value = 0;
  for (let shift = 0; ; shift += 7) {
    const byte = program[at++] ?? 0;
    value += (byte & 127) * 2 ** shift;
    if (byte < 128) return [value, at];
  }
}
