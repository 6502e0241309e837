/** Which of `method.math` an engine can compute in. */
import type { MathMode } from "../../shared/config/method.js";
import { AppError } from "../../shared/errors.js";
import { cpuFacts } from "./device.js";
import type { Engine } from "./load.js";

/** Others have bfloat16 by software alone, slower than float32. */
const bfloat16Sets = ["AMX_BF16", "AVX512_BF16"];

/** @throws AppError MATH_UNSUPPORTED */
export function requireMath(
  math: MathMode,
  { name, compile }: Pick<Engine, "name" | "compile">,
  { vectorSet }: { readonly vectorSet: string } = cpuFacts(),
): void {
  if (math === "f32") return;
  const refuse = (why: string) => new AppError("MATH_UNSUPPORTED", `method.math = "${math}": ${why}`);
  if (name !== "tensorflow" || !compile) throw refuse(`the ${name} engine here has float32 only`);
  if (!bfloat16Sets.includes(vectorSet)) throw refuse(`this processor (${vectorSet}) has no bfloat16 instructions`);
}
