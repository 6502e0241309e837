/** What crosses the border of the compute thread. */
import type { ErrorCode } from "../../shared/errors.js";
import type { EngineOptions } from "../engine/environment.js";
import type { SimulatedOptions } from "../simulated/options.js";
import type { Compute, ComputeSetup } from "./contract.js";

export type ComputeMethod = Exclude<keyof Compute, "dispose">;

export type ComputeRequest =
  | { readonly id: number; readonly call: "setup"; readonly setup: ComputeSetup }
  | { readonly id: number; readonly call: ComputeMethod; readonly args: readonly unknown[] };

export type ComputeResponse =
  | { readonly id: number; readonly ok: true; readonly result: unknown; readonly computeMs: number }
  | {
      readonly id: number;
      readonly ok: false;
      readonly code: ErrorCode;
      readonly message: string;
      readonly hint: string;
    };

/** Sent once, when the engine is loaded (or cannot be). */
export type ComputeHello =
  | { readonly kind: "ready"; readonly engine: EngineInfo }
  | { readonly kind: "failed"; readonly code: ErrorCode; readonly message: string; readonly hint: string };

export interface EngineInfo {
  readonly name: string;
  readonly reason: string;
  readonly version: string;
  readonly device: string;
  readonly fingerprint: string;
}

export type ThreadData =
  | EngineOptions
  | { readonly engine: "simulated"; readonly threads: number; readonly simulated: SimulatedOptions };
