/** What must be fetched and what deleted so that a folder equals what storage lists. Pure. */
import { AppError } from "../../shared/errors.js";
import { blobBytesMax, zipEntriesMax } from "../../shared/limits.js";
import type { S3Object } from "../../shared/storage/s3.js";

/** What an earlier mirroring fetched: path -> etag. */
export type Fetched = Readonly<Record<string, string>>;

export interface MirrorPlan {
  readonly fetch: readonly S3Object[];
  /** Files that storage does not list any more. */
  readonly remove: readonly string[];
}

/** @throws AppError DATA_BROKEN when a name would leave the folder, or there is too much. */
export function checkListing(objects: readonly S3Object[]): void {
  if (objects.length > zipEntriesMax) {
    throw new AppError("DATA_BROKEN", `there are more than ${zipEntriesMax} objects`, {
      hint: "Name a longer prefix: s3://BUCKET/PREFIX.",
    });
  }
  for (const { path, bytes } of objects) {
    if (!isTidy(path)) throw new AppError("DATA_BROKEN", `the object name ${JSON.stringify(path)} is no file name`);
    if (bytes > blobBytesMax)
      throw new AppError("DATA_BROKEN", `the object ${path} has ${bytes} bytes (at most ${blobBytesMax})`);
  }
}

/** Names a file inside the folder, in one way only. */
function isTidy(path: string): boolean {
  return path.split("/").every((part) => part !== "" && part !== "." && part !== "..") && !/[\\\0]/.test(path);
}

/** `onDisk`: path -> bytes of every file in the folder. */
export function planMirror(
  objects: readonly S3Object[],
  fetched: Fetched,
  onDisk: ReadonlyMap<string, number>,
): MirrorPlan {
  const isHeld = ({ path, etag, bytes }: S3Object) =>
    Object.hasOwn(fetched, path) && fetched[path] === etag && onDisk.get(path) === bytes;
  const listed = new Set(objects.map(({ path }) => path));
  return {
    fetch: objects.filter((object) => !isHeld(object)),
    remove: [...onDisk.keys()].filter((path) => !listed.has(path)),
  };
}
