/** Writes a trained model for other programs. The files appear one by one, each whole; the one to load comes last. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { writeFileDurably } from "../../coordinator/adapters/files.js";
import type { PortableGraph } from "../../shared/data/portable-graph.js";
import type { SavedModel } from "../../shared/data/saved-model.js";
import { modelCard } from "../../worker/export/card.js";
import { onnxModel } from "../../worker/export/onnx.js";
import { savedModel } from "../../worker/export/saved-model.js";
import { tfjsModel } from "../../worker/export/tfjs.js";

export const modelFormats = ["tfjs", "savedmodel", "onnx"] as const;
export type ModelFormat = (typeof modelFormats)[number];

export interface ModelExport {
  /** What to load. */
  readonly path: string;
  readonly bytes: number;
}

export async function writeModel(
  format: ModelFormat,
  model: SavedModel,
  graph: PortableGraph,
  outDir: string,
): Promise<ModelExport> {
  const card = modelCard(model, graph);
  const files = await filesOf(format, graph, card);
  const all = [...Object.entries({ "seedgrow.json": `${JSON.stringify(card, null, 2)}\n` }), ...Object.entries(files)];
  let bytes = 0;
  for (const [name, content] of all) {
    const data = typeof content === "string" ? Buffer.from(content) : content;
    await writeFileDurably(join(outDir, name), data);
    bytes += data.length;
  }
  return { path: join(outDir, Object.keys(files).at(-1)!), bytes };
}

async function filesOf(
  format: ModelFormat,
  graph: PortableGraph,
  card: ReturnType<typeof modelCard>,
): Promise<Readonly<Record<string, string | Uint8Array>>> {
  switch (format) {
    case "tfjs": {
      const { modelJson, weights } = tfjsModel(graph, { classes: card.classes });
      return { "postprocess.js": await readFile(postprocess), "weights.bin": weights, "model.json": modelJson };
    }
    case "savedmodel":
      return { "saved_model.pb": await savedModel(graph) };
    case "onnx":
      return { "model.onnx": await onnxModel(graph, { classes: card.classes.join(",") }) };
  }
}

/** Made by the build (scripts/copy-assets.mjs). */
const postprocess = fileURLToPath(new URL("../../web/export/postprocess.js", import.meta.url));
