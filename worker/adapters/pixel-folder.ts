/**
 * Decoded pixels on the worker's disk, of bounded size: what writes them and makes room. Synchronous, for it has a thread of its
 * own (pixel-thread.ts). Several processes may share the folder: files appear whole, by rename, and one that somebody else has
 * evicted is simply gone.
 */
import { randomUUID } from "node:crypto";
import {
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statfsSync,
  statSync,
  utimesSync,
  writevSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { pixelsRetryMs } from "../../shared/limits.js";
import { allowedBytes, type DiskRoom, filesToEvict, type KeptFile, shareBytes } from "../core/pixel-room.js";
import { bytesByName, isPixelName, pixelPath, sealOf } from "./pixel-file.js";

export interface PixelFolderOptions {
  readonly dir: string;
  readonly bytesMax: number;
}

export class PixelFolder {
  /** May be written before the folder is counted again. */
  private leftBytes = 0;
  /** The bound is not the user's: the disk's other users need what is left. */
  private isDiskLow = false;
  /** Nothing is tried before: the folder is full of what is in use, or the disk refuses. */
  private resumeMs = 0;

  constructor(
    private readonly options: PixelFolderOptions,
    private readonly nowMs: () => number = Date.now,
    private readonly diskOf: (dir: string) => DiskRoom = diskRoomOf,
  ) {}

  /** False: there is no room for it now. @throws Error when the disk is (nearly) full or refuses; then nothing is tried for a while. */
  write(name: string, pixels: Uint8Array): boolean {
    if (this.nowMs() < this.resumeMs) return false;
    try {
      const bytes = bytesByName(name);
      if (this.leftBytes < bytes) this.makeRoom(bytes);
      if (this.leftBytes < bytes) {
        if (this.isDiskLow) throw new Error(`too little is free on the disk of ${this.options.dir}`);
        this.resumeMs = this.nowMs() + pixelsRetryMs;
        return false;
      }
      this.store(name, pixels);
      this.leftBytes -= bytes;
      return true;
    } catch (thrown) {
      this.resumeMs = this.nowMs() + pixelsRetryMs;
      throw thrown;
    }
  }

  /** Best effort: what was used is the last to go. */
  touch(name: string): void {
    const now = new Date(this.nowMs());
    try {
      utimesSync(pixelPath(this.options.dir, name), now, now);
    } catch {
      // Evicted by another process, or a folder that may only be read.
    }
  }

  /** Counts the folder, and evicts what is too much, or has not been used lately where `wantedBytes` do not fit. */
  makeRoom(wantedBytes: number): void {
    const { dir, bytesMax } = this.options;
    mkdirSync(dir, { recursive: true });
    const parts = namesByPart(dir);
    let heldBytes = parts.reduce(
      (sum, [, names]) => sum + names.reduce((part, name) => part + bytesByName(name), 0),
      0,
    );
    const allowed = allowedBytes(bytesMax, heldBytes, this.diskOf(dir));
    this.isDiskLow = allowed < bytesMax;
    if (heldBytes + wantedBytes > allowed) {
      const files = parts.flatMap(([part, names]) =>
        names.flatMap((name) => aged(join(part, name), bytesByName(name))),
      );
      heldBytes -= evict(filesToEvict(files, allowed, this.nowMs()));
    }
    const left = Math.max(0, allowed - heldBytes);
    this.leftBytes = Math.min(left, Math.max(wantedBytes, shareBytes(allowed, heldBytes)));
  }

  private store(name: string, pixels: Uint8Array): void {
    const path = pixelPath(this.options.dir, name);
    const draft = `${path}.${randomUUID()}`;
    try {
      const file = openNew(draft);
      try {
        const seal = sealOf(name, pixels);
        if (writevSync(file, [pixels, seal]) < pixels.length + seal.length)
          throw new Error(`the disk of ${this.options.dir} is full`);
      } finally {
        closeSync(file);
      }
      renameSync(draft, path);
    } catch (thrown) {
      rmSync(draft, { force: true });
      throw thrown;
    }
  }
}

function diskRoomOf(dir: string): DiskRoom {
  const { bavail, blocks, bsize } = statfsSync(dir);
  return { freeBytes: bavail * bsize, totalBytes: blocks * bsize };
}

function openNew(path: string): number {
  try {
    return openSync(path, "wx");
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code !== "ENOENT") throw thrown;
    mkdirSync(dirname(path), { recursive: true });
    return openSync(path, "wx");
  }
}

/** Our files of every folder. */
function namesByPart(dir: string): [part: string, names: string[]][] {
  return readdirSync(dir).map((name) => {
    const part = join(dir, name);
    return [part, namesIn(part).filter(isPixelName)];
  });
}

function namesIn(dir: string): string[] {
  try {
    return readdirSync(dir);
  } catch {
    return [];
  }
}

/** Nothing where it is gone by now. */
function aged(path: string, bytes: number): KeptFile[] {
  const usedMs = statSync(path, { throwIfNoEntry: false })?.mtimeMs;
  return usedMs === undefined ? [] : [{ path, bytes, usedMs }];
}

/** Returns the bytes that are gone, whoever took them. */
function evict(files: readonly KeptFile[]): number {
  for (const { path } of files) rmSync(path, { force: true });
  return files.reduce((sum, { bytes }) => sum + bytes, 0);
}
