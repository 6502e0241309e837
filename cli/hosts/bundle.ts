/**
 * What a worker's machine gets: the built program, the list of packages to install and the scripts that set it up, as one
 * archive named by its content. A machine that has that content already is sent nothing.
 */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { createWriteStream } from "node:fs";
import { access, mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import { AppError } from "../../shared/errors.js";

export interface Bundle {
  /** The first 16 hex digits of the SHA-256 of the archive before it is packed. */
  readonly digest: string;
  /** A .tar.gz. */
  readonly path: string;
  readonly bytes: number;
  readonly remove: () => Promise<void>;
}

const parts = [".npmrc", "bin", "deploy", "dist", "package.json", "package-lock.json", "LICENSE"];
/** Beside the program in dist/ after a build of everything. */
const leftOut = ["dist/tests", "dist/bench", "dist/scripts", "dist/.sources"];
const digits = 16;

/** @param root folder of this seedgrow. @throws AppError HOST_FAILED */
export async function makeBundle(root: string): Promise<Bundle> {
  const dir = await mkdtemp(join(tmpdir(), "seedgrow-bundle-"));
  const remove = () => rm(dir, { recursive: true, force: true });
  try {
    const path = join(dir, "bundle.tar.gz");
    const digest = await pack(root, path);
    return { digest, path, bytes: (await stat(path)).size, remove };
  } catch (cause) {
    await remove();
    throw new AppError("HOST_FAILED", `cannot pack ${root} for other machines`, { cause });
  }
}

/** Equal contents make equal bytes: no times, owners or umasks. */
async function pack(root: string, path: string): Promise<string> {
  await access(join(root, "dist/cli/main.js"));
  const same = ["--sort=name", "--mtime=@0", "--owner=0", "--group=0", "--numeric-owner", "--mode=u+rwX,go="];
  const without = leftOut.map((name) => `--exclude=${name}`);
  const tar = spawn("tar", [...same, ...without, "-C", root, "-cf", "-", ...parts], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let complaint = "";
  tar.stderr.on("data", (data) => {
    complaint += data;
  });
  const ended = new Promise<void>((resolve, reject) => {
    tar.once("error", reject);
    tar.once("close", (code) => (code === 0 ? resolve() : reject(new Error(`tar ended with ${code}: ${complaint}`))));
  });
  const hash = createHash("sha256");
  const seen = new PassThrough().on("data", (data) => hash.update(data));
  await Promise.all([ended, pipeline(tar.stdout, seen, createGzip(), createWriteStream(path))]);
  return hash.digest("hex").slice(0, digits);
}
