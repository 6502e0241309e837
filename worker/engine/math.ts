/** Which of `method.math` an engine can compute in. */
import { type MathMode, mathModes } from "../../shared/config/method.js";
import { AppError } from "../../shared/errors.js";
import { cpuFacts } from "./device.js";
import type { Engine } from "./load.js";

/** Others have bfloat16 by software alone, slower than float32. */
const bfloat16Sets = ["AMX_BF16", "AVX512_BF16"];

/** @throws AppError MATH_UNSUPPORTED */
export async function requireMath(
  math: MathMode,
  engine: Pick<Engine, "name" | "compile" | "lackOfHalves">,
  facts: { readonly vectorSet: string } = cpuFacts(),
): Promise<void> {
  const lack = await lackOf(math, engine, facts);
  if (lack !== null) throw new AppError("MATH_UNSUPPORTED", `method.math = "${math}": ${lack}`);
}

/** What `requireMath` would let pass. */
export async function availableMath(engine: Pick<Engine, "name" | "compile" | "lackOfHalves">): Promise<MathMode[]> {
  const lacks = await Promise.all(mathModes.map((math) => lackOf(math, engine, cpuFacts())));
  return mathModes.filter((_, i) => lacks[i] === null);
}

async function lackOf(
  math: MathMode,
  engine: Pick<Engine, "name" | "compile" | "lackOfHalves">,
  facts: { readonly vectorSet: string },
): Promise<string | null> {
  if (math === "f32") return null;
  return math === "bf16" ? lackOfBfloat16(engine, facts) : lackOfFloat16(engine);
}

function lackOfBfloat16({ name, compile }: Pick<Engine, "name" | "compile">, { vectorSet }: { vectorSet: string }) {
  if (name !== "tensorflow" || !compile) return `the ${name} engine here has no bfloat16`;
  return bfloat16Sets.includes(vectorSet) ? null : `this processor (${vectorSet}) has no bfloat16 instructions`;
}

async function lackOfFloat16({ name, lackOfHalves }: Pick<Engine, "name" | "lackOfHalves">): Promise<string | null> {
  return lackOfHalves ? lackOfHalves() : `the ${name} engine has no float16`;
}
