/**
 * The indexer on real photos, which the project may not ship: a copy of horse2zebra or any other set named by
 * SEEDGROW_REAL_DATA (several, separated by the system's path separator). Skipped, and said so, where it is not set.
 */
import { delimiter } from "node:path";
import { expect, test } from "vitest";
import { manifestSchema } from "../../shared/data/manifest.js";
import { scanData } from "./image-index.js";

const folders = (process.env.SEEDGROW_REAL_DATA ?? "").split(delimiter).filter((folder) => folder !== "");
if (folders.length === 0) process.stderr.write("SKIPPED: SEEDGROW_REAL_DATA names no data set of real photos\n");

test.skipIf(folders.length === 0)(
  "real data sets are indexed without a broken image",
  { timeout: 120_000 },
  async () => {
    for (const dataPath of folders) {
      const scan = await scanData({ dataPath, brokenShareMax: 0.05, shardImages: 32 });
      expect(scan.verdict, dataPath).toBeNull();
      expect(scan.problems, dataPath).toEqual([]);
      expect(manifestSchema.parse(scan.manifest)).toEqual(scan.manifest);
    }
  },
);
