/** The generated pages: path -> text. Read by scripts/docs.mjs and by the test that compares. */
import { cliDoc } from "./cli-doc.js";
import { configDoc } from "./config-doc.js";
import { errorsDoc } from "./errors-doc.js";

export function generatedPages(): Readonly<Record<string, string>> {
  return { "docs/CLI.md": cliDoc(), "docs/CONFIG.md": configDoc(), "docs/ERRORS.md": errorsDoc() };
}
