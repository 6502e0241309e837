/** Every limit of the wire and of memory in one place, each with its reason. */

/** Blob chunk: 256 KiB to 1 MiB moves fastest through grpc-js on loopback; smaller keeps the 16-message stream buffer small. */
export const chunkBytes = 512 * 1024;
/** Window of a gRPC client: bandwidth x delay of 1 Gbit/s at 60 ms. Node's own 64 KiB caps a 20 ms link at 2 MB/s. */
export const flowControlWindowBytes = 8 * 1024 * 1024;
/** One gRPC message: a chunk or a small command; metrics JSON stays far below. */
export const messageBytesMax = 8 * 1024 * 1024;
/** One blob in memory: weights of a 250 M parameter model in f32. */
export const blobBytesMax = 1024 * 1024 * 1024;
/** A transfer is tried this often before the work it belongs to fails. */
export const pullAttemptsMax = 3;
/** Workers advertise themselves this often, milliseconds. */
export const beatIntervalMs = 1_000;
/** A worker silent for this long is lost: ten missed beats, so that a garbage collection or a slow disk is not a death. */
export const beatTimeoutMs = 10_000;
/** After a failed attach or a loss a worker is left alone for this long. */
export const retryWorkerMs = 3_000;
/** The lease's bucket lifetime; renewed every third of it. A dead coordinator frees its workers after this. */
export const leaseMs = 15_000;
/** One piece of work may take this long before its worker counts as hung: the slowest refine shard took under 60 s. */
export const workTimeoutMs = 10 * 60_000;
/** Attach pulls the backbone and starts the engine; 2 minutes cover 100 MB at 1 MB/s. */
export const attachTimeoutMs = 2 * 60_000;
/** The same unit may fail on this many workers before the run gives up: beyond, it is the work's fault. */
export const unitAttemptsMax = 3;
/** A photo larger than this is refused as a decompression bomb: 100 megapixels. */
export const photoPixelsMax = 100_000_000;
