// Compiles a program of wasm/ (AssemblyScript).
import asc from "assemblyscript/asc";

const options = ["-O3", "--runtime", "stub", "--noAssert", "--importMemory", "--enable", "simd"];

/** Returns the program's bytes. Ends the process when something is wrong with it. */
export async function compile(source) {
  let bytes;
  const { error, stderr } = await asc.main([source, "--outFile", "out.wasm", ...options], {
    writeFile: (_, contents) => {
      bytes = contents;
    },
  });
  process.stderr.write(stderr.toString());
  if (error) process.exit(1);
  return bytes;
}
