/** The GPUs that Dawn sees, and the one that was asked for. */
import { createRequire } from "node:module";
import { AppError } from "../../shared/errors.js";
import type { GpuDevice } from "./gpu.js";

/** The part of WebGPU's API that is used here; Node's types have none of it. */
export interface GpuAdapter {
  readonly info: {
    readonly vendor: string;
    readonly architecture: string;
    readonly device: string;
    description: string;
    readonly subgroupMinSize?: number;
    readonly subgroupMaxSize?: number;
    /** Dawn's experiment: shapes and types that matrix units multiply. */
    readonly subgroupMatrixConfigs?: Iterable<
      Readonly<Record<"M" | "N" | "K", number> & Record<"componentType" | "resultComponentType", string>>
    >;
  };
  readonly features: ReadonlySet<string>;
  readonly limits: Readonly<Record<string, number>>;
  requestDevice(options: object): Promise<GpuDevice>;
}
export interface Gpu {
  requestAdapter(options?: object): Promise<GpuAdapter | null>;
}
export interface Dawn {
  /** Options of Dawn's: "adapter=PART OF A NAME". */
  create(options: readonly string[]): Gpu;
  readonly globals: object;
}

export function requireDawn(): Dawn {
  try {
    return createRequire(import.meta.url)("webgpu") as Dawn;
  } catch (cause) {
    throw new AppError("ENGINE_MISSING", "the webgpu engine is not installed", {
      hint: "npm install puts it there where it can: it is an optional package (docs/ENGINES.md).",
      cause,
    });
  }
}

/** Names, in Dawn's order. It tells them only to those who ask for one that is not there. */
export async function adapterNames(dawn: Dawn): Promise<string[]> {
  try {
    await dawn.create(["adapter=\u0000"]).requestAdapter();
    return [];
  } catch (error) {
    return namesIn((error as Error).message);
  }
}

export function namesIn(message: string): string[] {
  return [...message.matchAll(/name: '(.*)'$/gm)].map(([, name]) => name!);
}

/** `wanted`: "" for Dawn's choice, an index, or a part of a name. Dawn is told a name, and takes the first GPU that has it. */
export function chooseName(wanted: string, names: readonly string[]): string | null {
  if (wanted === "") return null;
  const isIndex = /^\d+$/.test(wanted);
  const lower = wanted.toLowerCase();
  const index = isIndex ? Number(wanted) : names.findIndex((one) => one.toLowerCase().includes(lower));
  const name = names[index];
  if (name === undefined) {
    throw new AppError("ENGINE_FAILED", `there is no GPU "${wanted}"; there are: ${listed(names)}`, {
      hint: "Name one of them, by its number or a part of its name, with --gpu or SEEDGROW_GPU.",
    });
  }
  const first = names.findIndex((one) => one.includes(name));
  if (first === index) return name;
  throw new AppError("ENGINE_FAILED", `GPU ${index} cannot be told from GPU ${first} by its name: ${listed(names)}`, {
    hint: "Start the worker where it sees that GPU alone, in a container for instance.",
  });
}

function listed(names: readonly string[]): string {
  return names.map((one, index) => `${index} ${one}`).join(", ") || "none";
}
