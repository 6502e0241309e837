/** A data set on disk for one test: pictures made by sharp in a temporary folder. Call `dataFolder()` at the top of a test file. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import sharp, { type Sharp } from "sharp";
import { afterEach, beforeEach, expect } from "vitest";
import { type IndexOptions, indexData, scanData } from "../../coordinator/adapters/image-index.js";
import { AppError } from "../../shared/errors.js";

const limits = { brokenShareMax: 0.05, shardImages: 4 };

/** A flat picture; another shade is another digest. */
export function flat(shade: number, width = 12, height = 8): Sharp {
  const background = { r: shade, g: 255 - shade, b: (shade * 7) % 256 };
  return sharp({ create: { width, height, channels: 3, background } });
}

export class DataFolder {
  root = "";

  put(path: string, bytes: Uint8Array | string): void {
    mkdirSync(dirname(join(this.root, path)), { recursive: true });
    writeFileSync(join(this.root, path), bytes);
  }

  async putImages(folder: string, count: number, firstShade = 0): Promise<void> {
    for (let i = 0; i < count; i++) {
      const picture = flat(firstShade + i).png();
      this.put(`${folder}/${String(i).padStart(3, "0")}.png`, await picture.toBuffer());
    }
  }

  index(options: Partial<IndexOptions> = {}) {
    return indexData({ dataPath: this.root, ...limits, ...options });
  }

  /** Of a scan that tolerates everything. */
  scan(options: Partial<IndexOptions> = {}) {
    return scanData({ dataPath: this.root, ...limits, brokenShareMax: 1, ...options });
  }

  /** Problems as "path kind". */
  async problemsOf(options: Partial<IndexOptions> = {}): Promise<string[]> {
    const { problems } = await this.scan(options);
    return problems.map(({ path, kind }) => `${path} ${kind}`);
  }

  async errorOf(options: Partial<IndexOptions> = {}): Promise<AppError> {
    const thrown: unknown = await this.index(options).catch((error: unknown) => error);
    expect(thrown).toBeInstanceOf(AppError);
    return thrown as AppError;
  }
}

/** A fresh folder for every test of the file. */
export function dataFolder(): DataFolder {
  const folder = new DataFolder();
  beforeEach(() => {
    folder.root = mkdtempSync(join(tmpdir(), "data-folder-"));
  });
  afterEach(() => rmSync(folder.root, { recursive: true, force: true }));
  return folder;
}
