/** A line of the table: one piece of work, done by us and by a peer. */

/** One side of a row: a program that answers as answer.ts does. */
export interface Side {
  readonly program:
    | { readonly kind: "ours"; readonly script: string }
    | {
        readonly kind: "python";
        readonly script: string;
        /** Modules without which the row is skipped. */
        readonly needs: readonly string[];
        /** File of bench/peers that has their packages. */
        readonly requirements: string;
      };
  /** Its one argument, as JSON. */
  readonly work: Readonly<Record<string, unknown>>;
  readonly env?: Readonly<Record<string, string>>;
}

export interface Row {
  /** For --only. */
  readonly name: string;
  readonly group: Group;
  readonly work: string;
  readonly peer: string;
  /** Of the rate that both sides answer with: more is better. */
  readonly unit: string;
  /** Largest time, ours / peer, that was aimed at. */
  readonly bar: number;
  /** Name of the row with the same work and another peer: against the slower of the two the bar is 1. */
  readonly twin?: string;
  /** One measurement of one side. */
  readonly seconds: number;
  /** Measurements of each side at most: they take minutes. */
  readonly roundsMax?: number;
  readonly ours: Side;
  readonly theirs: Side;
  /** A folder or file without which the row is skipped. */
  readonly path?: string;
  /** Makes what both sides work on. */
  readonly prepare?: () => Promise<void>;
}

export const groups = {
  training: "Training and prediction",
  pictures: "Pictures",
  cluster: "Between machines",
  scaling: "More workers",
} as const;
export type Group = keyof typeof groups;

export interface Sample {
  readonly rate: number;
}

export interface SideResult {
  /** Of the program and what it computes with. */
  readonly version: string;
  readonly rates: readonly number[];
  /** Of all processes of this side together, bytes. */
  readonly peakBytes: number;
}

export interface RowResult {
  readonly row: Row;
  readonly ours: SideResult;
  readonly theirs: SideResult;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

export interface Ratio {
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

/** Time of `a` / time of `b`, pair by pair: what slows the machine for a while slows both. */
export function timeRatio(a: readonly number[], b: readonly number[]): Ratio {
  const ratios = a.map((rate, i) => b[i]! / rate);
  return { median: median(ratios), low: Math.min(...ratios), high: Math.max(...ratios) };
}
