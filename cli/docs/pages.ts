/** The generated pages: path -> text. Read by scripts/docs.mjs and by the test that compares. */
import { configDoc } from "./config-doc.js";
import { errorsDoc } from "./errors-doc.js";

export function generatedPages(): Readonly<Record<string, string>> {
  return { "docs/CONFIG.md": configDoc(), "docs/ERRORS.md": errorsDoc() };
}
