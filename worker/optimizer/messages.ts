/** What crosses the border of a thread that helps with updates. */
import type { HelperStep } from "../../shared/aggregate/step-helpers.js";
import type { WasmMemory } from "../../shared/web-assembly.js";

/** An array of the memory. */
export interface ArrayPlace {
  readonly byteOffset: number;
  readonly length: number;
}

export interface StepRequest {
  /** Null: that of the request before. */
  readonly memory: WasmMemory<SharedArrayBuffer> | null;
  readonly places: Readonly<Record<"values" | "m" | "v" | "gradient", ArrayPlace>>;
  readonly step: HelperStep;
  readonly range: readonly [first: number, end: number];
}

export interface HelperData {
  /** Which of the threads that work in a memory; 0 is the one that asks. */
  readonly thread: number;
}

export type StepReply = { readonly areNumbers: boolean } | { readonly failure: string };
