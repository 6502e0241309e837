/** What training updates parameters with; `npm run bench:compare` finds it where commits up to 12af5d3 had it. */
async function found<T>(file: string): Promise<T> {
  try {
    return await import(`../../shared/aggregate/${file}`);
  } catch {
    return await import(`../../coordinator/aggregate/${file}`);
  }
}

export const { AdamW } = await found<typeof import("../../shared/aggregate/adamw.js")>("adamw.js");
export const { MemoryFloats } = await found<typeof import("../../shared/aggregate/floats.js")>("floats.js");
