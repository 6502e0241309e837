/** Where parts of a kernel's work begin. */

/** Parts begin at multiples of so many units: products take four rows at a time, and a line of the cache holds sixteen values. */
const grain = 16;

/** First of `units` that belongs to a part; `part` = `parts`: the end. */
export function firstOf(part: i32, parts: i32, units: i32): i32 {
  if (part === parts) return units;
  const share = ((units as i64) * part) / parts;
  return units >= grain * parts ? ((share as i32) / grain) * grain : (share as i32);
}

export function zero(address: usize, bytes: usize): void {
  memory.fill(address, 0, bytes);
}
