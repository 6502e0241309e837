// Compiles a program of wasm/ (AssemblyScript).
import asc from "assemblyscript/asc";

const options = ["-O3", "--runtime", "stub", "--noAssert", "--importMemory", "--enable", "simd"];

/** The memory that it is given may be several threads': it declares the most pages that one has, all that 32 bits address. */
const shared = ["--enable", "threads", "--sharedMemory", "--maximumMemory", "65536"];

/** Returns the program's bytes. Ends the process when something is wrong with it. */
export async function compile(source, { isShared = false } = {}) {
  let bytes;
  const own = isShared ? shared : [];
  const { error, stderr } = await asc.main([source, "--outFile", "out.wasm", ...options, ...own], {
    writeFile: (_, contents) => {
      bytes = contents;
    },
  });
  process.stderr.write(stderr.toString());
  if (error) process.exit(1);
  return bytes;
}
