import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { errorCodes } from "../../shared/errors.js";
import { generatedPages } from "./pages.js";

const pages = await generatedPages();

describe("generated pages", () => {
  test.each(Object.keys(pages))("%s is what the sources say (else: npm run docs)", (path) => {
    expect(readFileSync(new URL(`../../${path}`, import.meta.url), "utf8")).toBe(pages[path]);
  });

  test("list every setting and every error code", () => {
    expect(pages["docs/CONFIG.md"]).toContain("| `method.segmenter.steps` | integer 1..1000000 |");
    expect(pages["docs/CONFIG.md"]).toContain("`SEEDGROW_WORKER_MEMORY_MB`");
    expect(pages["docs/CLI.md"]).toContain("## seedgrow data import horse2zebra");
    expect(pages["docs/CLI.md"]).toContain("$ seedgrow train --data photos --quick");
    for (const code of Object.keys(errorCodes)) expect(pages["docs/ERRORS.md"]).toContain(`\`${code}\``);
  });
});
