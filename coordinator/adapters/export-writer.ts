/** Writes an export, mask by mask; a data file appears under its name when it is whole. */
import { randomUUID } from "node:crypto";
import { copyFile, type FileHandle, mkdir, open, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { vocPalette, writeMaskPng } from "../../shared/data/mask-png.js";
import { AppError } from "../../shared/errors.js";
import { withoutExtension } from "../data/paths.js";
import { cocoAnnotations, cocoCategories, cocoImage } from "../export/coco.js";
import { cvatHead, cvatImage, cvatTail } from "../export/cvat.js";
import type { ExportImage, ShapeOptions } from "../export/model.js";
import { yoloDataFile, yoloLines } from "../export/yolo.js";
import { type ExportSource, readImages } from "./export-source.js";
import { writeFileDurably } from "./files.js";

export const exportFormats = ["png", "coco", "yolo", "cvat"] as const;
export type ExportFormat = (typeof exportFormats)[number];

export interface ExportRequest extends ShapeOptions {
  readonly source: ExportSource;
  readonly format: ExportFormat;
  readonly outDir: string;
  /** Copies the photos to images/. */
  readonly withPhotos: boolean;
  readonly onProgress: (done: number, total: number) => void;
}

export interface ExportResult {
  readonly images: number;
  /** Connected components; null where the format has none. */
  readonly objects: number | null;
  /** What to open or import. */
  readonly path: string;
}

/** Takes images one by one; `finish` says what came of it, `abort` leaves nothing half-written. */
interface Writer {
  add(image: ExportImage): Promise<void>;
  finish(): Promise<{ readonly objects: number | null; readonly path: string }>;
  abort(): Promise<void>;
}

const openWriter: Readonly<Record<ExportFormat, (request: ExportRequest) => Promise<Writer>>> = {
  png: pngWriter,
  coco: cocoWriter,
  yolo: yoloWriter,
  cvat: cvatWriter,
};

/** @throws AppError MASK_INVALID | DATA_NOT_FOUND | DISK_FULL */
export async function writeExport(request: ExportRequest): Promise<ExportResult> {
  const { source, outDir, onProgress } = request;
  const writer = await openWriter[request.format](request);
  let images = 0;
  try {
    for await (const image of readImages(source)) {
      await writer.add(image);
      if (request.withPhotos) await copyPhoto(source, image.photo, outDir);
      images++;
      onProgress(images, source.entries.length);
    }
    return { images, ...(await writer.finish()) };
  } catch (error) {
    await writer.abort();
    throw error;
  }
}

async function pngWriter({ source: { classes }, outDir }: ExportRequest): Promise<Writer> {
  const path = join(outDir, "masks");
  return {
    add: ({ photo, width, height, labels }) =>
      writeFileDurably(join(path, `${withoutExtension(photo)}.png`), writeMaskPng(width, height, labels)),
    finish: async () => {
      await writeFileDurably(join(outDir, "labelmap.txt"), labelMap(classes));
      return { objects: null, path };
    },
    abort: async () => undefined,
  };
}

/** The palette by name, as CVAT and the PASCAL VOC tools read it. */
function labelMap(classes: readonly string[]): string {
  const palette = vocPalette();
  const rows = ["background", ...classes].map(
    (name, id) => `${name}:${palette.subarray(id * 3, id * 3 + 3).join(",")}::`,
  );
  return `# label:color_rgb:parts:actions\n${rows.join("\n")}\n`;
}

async function cocoWriter(request: ExportRequest): Promise<Writer> {
  const { source, outDir } = request;
  const path = join(outDir, "annotations.json");
  const file = await DraftFile.open(path);
  const images: object[] = [];
  let objects = 0;
  // Annotations first: they are many, and JSON does not mind the order.
  await file.write('{"annotations":[');
  return {
    add: async (image) => {
      const annotations = cocoAnnotations(image, request, objects + 1).map((annotation) => JSON.stringify(annotation));
      if (annotations.length > 0) await file.write(`${objects > 0 ? "," : ""}\n${annotations.join(",\n")}`);
      objects += annotations.length;
      images.push(cocoImage(image));
    },
    finish: async () => {
      const info = { description: `Masks of ${source.name}, made by seedgrow`, version: "1.0" };
      const categories = cocoCategories(source.classes);
      await file.write(`\n],"images":${JSON.stringify(images)},`);
      await file.write(`"categories":${JSON.stringify(categories)},"info":${JSON.stringify(info)},"licenses":[]}\n`);
      await file.finish();
      return { objects, path };
    },
    abort: () => file.abort(),
  };
}

async function yoloWriter(request: ExportRequest): Promise<Writer> {
  const { source, outDir } = request;
  const path = join(outDir, "data.yaml");
  let objects = 0;
  return {
    add: async (image) => {
      const lines = yoloLines(image, request);
      objects += lines.length;
      const text = lines.map((line) => `${line}\n`).join("");
      await writeFileDurably(join(outDir, "labels", `${withoutExtension(image.photo)}.txt`), text);
    },
    finish: async () => {
      await writeFileDurably(path, yoloDataFile(source.classes));
      return { objects, path };
    },
    abort: async () => undefined,
  };
}

async function cvatWriter(request: ExportRequest): Promise<Writer> {
  const { source, outDir } = request;
  const path = join(outDir, "annotations.xml");
  const file = await DraftFile.open(path);
  let objects = 0;
  await file.write(cvatHead(source.classes, source.name));
  return {
    add: async (image) => {
      const text = cvatImage(image, source.classes, request);
      objects += text.split('z_order="').length - 1;
      await file.write(text);
    },
    finish: async () => {
      await file.write(cvatTail);
      await file.finish();
      return { objects, path };
    },
    abort: () => file.abort(),
  };
}

async function copyPhoto({ photosDir }: ExportSource, photo: string, outDir: string): Promise<void> {
  const from = join(photosDir!, photo);
  const to = join(outDir, "images", photo);
  await mkdir(dirname(to), { recursive: true });
  await copyFile(from, to).catch((cause: unknown) => {
    throw new AppError("DATA_NOT_FOUND", `cannot copy the photo ${from}`, { cause });
  });
}

/** Written piece by piece beside its place, renamed at the end. */
class DraftFile {
  private constructor(
    private readonly file: FileHandle,
    private readonly draft: string,
    private readonly path: string,
  ) {}

  static async open(path: string): Promise<DraftFile> {
    await mkdir(dirname(path), { recursive: true });
    const draft = `${path}.${randomUUID().slice(0, 8)}.tmp`;
    return new DraftFile(await open(draft, "w"), draft, path);
  }

  async write(text: string): Promise<void> {
    await this.file.writeFile(text);
  }

  async finish(): Promise<void> {
    await this.file.sync();
    await this.file.close();
    await rename(this.draft, this.path);
  }

  async abort(): Promise<void> {
    await this.file.close().catch(() => undefined);
    await rm(this.draft, { force: true });
  }
}
