/** Label and CAM packs as a report reads them: a lost or damaged one is a gap, for the report says what there is. */
import { readFile } from "node:fs/promises";
import { type ByteMap, decodeMapPack } from "../../shared/codec/map-pack.js";

export async function mapsIn(path: string, chosen: ReadonlySet<number>): Promise<ReadonlyMap<number, ByteMap>> {
  const bytes = await readFile(path).catch(() => null);
  try {
    const maps = bytes ? decodeMapPack(bytes) : [];
    return new Map(maps.filter((map) => chosen.has(map.image)).map((map) => [map.image, map]));
  } catch {
    return new Map();
  }
}
