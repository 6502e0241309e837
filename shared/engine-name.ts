/** What an engine's fingerprint says about it, for those who do not run it. */

/** What a person can ask for. `auto`: TensorFlow where it is installed, else wasm. */
export const engineChoices = ["auto", "tensorflow", "wasm", "webgpu"] as const;
export type EngineChoice = (typeof engineChoices)[number];

/** The variable that speaks to every command; a flag is stronger. */
export const engineVariable = "SEEDGROW_ENGINE";

const simulatedPrefix = "simulated;";

export function simulatedFingerprint(version: string, parameters: number): string {
  return `${simulatedPrefix} ${version}; parameters=${parameters === 0 ? "built-in" : parameters}`;
}

const wasmPrefix = "wasm;";

/** @param digest of the compiled kernels: others may give other bits. */
export function wasmFingerprint(version: string, digest: string, processor: string): string {
  return `${wasmPrefix} ${version}; kernels=${digest}; ${processor}`;
}

/** What a person should know who did not choose the engine; null: nothing. docs/ENGINES.md has the measurements. */
export function engineRemark(fingerprint: string): string | null {
  if (!fingerprint.startsWith(wasmPrefix)) return null;
  return "computing with WebAssembly: 1.4 to 4 times slower than TensorFlow (docs/ENGINES.md)";
}

/** Its results are hashes: no real engine's results may be mixed with them. */
export function isSimulated(fingerprint: string): boolean {
  return fingerprint.startsWith(simulatedPrefix);
}
