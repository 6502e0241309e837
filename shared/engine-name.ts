/** What an engine's fingerprint says about it, for those who do not run it. */

const simulatedPrefix = "simulated;";

export function simulatedFingerprint(version: string, parameters: number): string {
  return `${simulatedPrefix} ${version}; parameters=${parameters === 0 ? "built-in" : parameters}`;
}

/** Its results are hashes: no real engine's results may be mixed with them. */
export function isSimulated(fingerprint: string): boolean {
  return fingerprint.startsWith(simulatedPrefix);
}
