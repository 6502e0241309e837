/** Publishes label packs through the bus's object store and announces the version. Workers that miss it ask by gRPC. */
import { type Bus, publishJson } from "../../shared/net/bus.js";
import { replicated } from "../../shared/net/replicas.js";
import { type Announcement, labelBucket, subjects } from "../../shared/net/subjects.js";

export interface LabelPack {
  readonly digest: string;
  readonly bytes: Uint8Array;
}

/** Packs of older versions are of no use to anybody: the bucket forgets after a day. */
const bucketTtlNs = 24 * 3600 * 1e9;

export async function broadcastLabels(
  bus: Bus,
  runId: string,
  version: number,
  catalogueDigest: string,
  packs: readonly LabelPack[],
): Promise<void> {
  const { views } = bus.connection.jetstream({ timeout: 10_000 });
  const store = await replicated(bus, (replicas) => views.os(labelBucket, { ttl: bucketTtlNs, replicas }));
  for (const { digest, bytes } of packs) await store.putBlob({ name: digest }, bytes);
  const announcement: Announcement = { kind: "labels-published", version, digest: catalogueDigest };
  publishJson(bus, subjects.announce(runId), announcement);
}
