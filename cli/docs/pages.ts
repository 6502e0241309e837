/** The generated pages: path -> text. Read by scripts/docs.mjs and by the test that compares. */
import { cliDoc } from "./cli-doc.js";
import { configDoc } from "./config-doc.js";
import { errorsDoc } from "./errors-doc.js";

export async function generatedPages(): Promise<Readonly<Record<string, string>>> {
  return { "docs/CLI.md": await cliDoc(), "docs/CONFIG.md": configDoc(), "docs/ERRORS.md": errorsDoc() };
}
