/** Every limit of the wire and of memory in one place, each with its reason. */

/** Blob chunk: 256 KiB to 1 MiB moves fastest through grpc-js on loopback; smaller keeps the 16-message stream buffer small. */
export const chunkBytes = 512 * 1024;
/** Between two looks at whether what is being sent is still there, and what a line holds back of its thread at a time. */
export const bulkPieceBytes = 1024 * 1024;
/** A request for numbers, as JSON: names are short. */
export const bulkRequestBytesMax = 16 * 1024;
/** Window of a gRPC client: bandwidth x delay of 1 Gbit/s at 60 ms. Node's own 64 KiB caps a 20 ms link at 2 MB/s. */
export const flowControlWindowBytes = 8 * 1024 * 1024;
/** One gRPC message: a chunk or a small command; metrics JSON stays far below. */
export const messageBytesMax = 8 * 1024 * 1024;
/** One blob in memory: weights of a 250 M parameter model in f32. */
export const blobBytesMax = 1024 * 1024 * 1024;
/** Blobs of one result: the sub-trees that cover a run of 1024 micro-batches are 2 * 10 at most. */
export const outputsMax = 64;
/** A transfer is tried this often before the work it belongs to fails. */
export const pullAttemptsMax = 3;
/**
 * Results on their way to memory at a time; one that is larger goes alone, so that siblings in the tree meet and become
 * one sum before the next arrives. 16 results of the built-in network fit.
 */
export const resultBytesInFlightMax = 128 * 1024 * 1024;
/** Workers of one run. Each takes five sockets of the coordinator, of the 65536 open files that systemd allows. */
export const workersMax = 4_096;
/** Sockets and files that the coordinator has open besides its workers': broker, blobs being served, run folder. */
export const openFilesReserve = 256;
/** Per worker: commands and blobs, to it; its lines for numbers and for files, and its calls. */
export const openFilesPerWorker = 5;
/** Workers advertise themselves this often, milliseconds. */
export const beatIntervalMs = 1_000;
/** A worker silent for this long is lost: ten missed beats, so that a garbage collection or a slow disk is not a death. */
export const beatTimeoutMs = 10_000;
/** After a failed attach or a loss a worker is left alone for this long. */
export const retryWorkerMs = 3_000;
/** The lease's bucket lifetime; renewed every third of it. A dead coordinator frees its workers after this. */
export const leaseMs = 15_000;
/** A worker silent for this long is asked by gRPC whether it lives: its broker may be away, not itself. */
export const probeAfterMs = 3 * beatIntervalMs;
/** The answer must come within this: far below beatTimeoutMs, far above a slow link's round trip. */
export const probeTimeoutMs = 2_000;
/** One piece of work may take this long while nothing is known of its pace: the slowest refine shard took under 60 s. */
export const workTimeoutMs = 10 * 60_000;
/** Steps that a replica takes before it is heard of: the most that DiLoCo's authors tried, and a bound on what is lost. */
export const localStepsMax = 2_000;
/** Never give a worker less than this: a garbage collection, a slow disk or a busy neighbour is not a hang. */
export const workDeadlineMsMin = 15_000;
/** A hang is 4 medians + 10 median deviations: with the ten-fold spread of a shared machine still a rare mistake. */
export const deadlineFactor = 4;
export const deadlineMadFactor = 10;
/** Deadlines look back this many pieces: a run's pace changes with its neighbours, so old ones must leave. */
export const paceSamplesMax = 32;
/** Fewer pieces than this say nothing about the pace. */
export const paceSamplesMin = 5;
/** A worker's speed is that of its fastest of so many latest pieces. */
export const speedSamplesMax = 8;
/** Speeds are rounded to powers of this, so that workers a fifth apart, as neighbours and clocks make them, count as equal. */
export const speedClassFactor = 1.5;
/** A worker that was too slow to get anything is tried again after so many times: it may have had a busy neighbour. */
export const passedOverMax = 32;
/** An idle worker repeats a piece that takes twice the median: MapReduce's backup tasks, with its cost bounded by idleness. */
export const backupFactor = 2;
/** The same while nothing is known of the pace: others idle, so the price of a needless copy is nothing. */
export const backupUnknownMs = 30_000;
/** Pieces shorter than this are not worth repeating. */
export const backupMsMin = 1_000;
/** A worker that fails this many pieces in a row is given a rest and attached anew. */
export const failuresInRowMax = 3;
/** Wrong results (digest, length, not a number) after which a worker is not asked again: one may be a cosmic ray. */
export const strikesMax = 2;
/** A worker that nobody can dial calls when it reads its lease on the bus: seconds on a slow link. */
export const tunnelTimeoutMs = 15_000;
/**
 * A worker that sends another one nothing for so long is complained of: two of these are as long as silence lasts until
 * the coordinator gives it up, and an update of a large model lets go of its thread a hundred times a second.
 */
export const peerIdleMs = 5_000;
/**
 * So many workers are told beforehand whose sums they will need. Each opens a second line to all others for it, and is told of all:
 * with 64 that is 126 lines for each and .3 MB of commands a step, and both grow with their square.
 */
export const aheadWorkersMax = 64;
/** So many complaints within a step and the coordinator gives a worker up: the first may be the complainer's own fault. */
export const complaintsMax = 2;
/** Attach pulls the backbone and starts the engine; 2 minutes cover 100 MB at 1 MB/s. */
export const attachTimeoutMs = 2 * 60_000;
/** The same unit may fail on this many workers before the run gives up: beyond, it is the work's fault. */
export const unitAttemptsMax = 3;
/** A photo larger than this is refused as a decompression bomb: 100 megapixels. */
export const photoPixelsMax = 100_000_000;
/** Checkpoints kept inside a phase: the newest may be torn, the one before it damaged by the disk, the third is luck. */
export const checkpointsKept = 3;
/** A draining worker waits this long for its coordinator to take the last result and let it go. */
export const drainPatienceMs = 10_000;
/** A worker that NATS refuses for so long ends: by then a list of users that was copied late has been read. */
export const refusedPatienceMs = 60_000;
/** Below this much free space nothing new is begun: room for a few checkpoints and the report of the work in flight. */
export const diskFreeBytesMin = 256 * 1024 * 1024;
/** On a small disk this share of it instead. */
export const diskFreeShareMin = 0.02;
/** It goes on at so many times that, or it would flap with every file. */
export const diskResumeFactor = 1.5;
/** How often to look, milliseconds: at 100 MB/s half of diskFreeBytesMin is still left. */
export const diskCheckMs = 1_000;
/** events.jsonl and the logs of local processes; one older file of the same size is kept. A day of events takes 20 MB. */
export const logBytesMax = 64 * 1024 * 1024;
/** Entries of a ZIP that is imported: COCO has 330,000 images. */
export const zipEntriesMax = 500_000;
/** What a ZIP may unpack to: four times PASCAL VOC, and below what a laptop has free. */
export const zipBytesMax = 16 * 1024 ** 3;
/** A download is asked for again this often after it broke, from where it stopped. */
export const downloadAttemptsMax = 5;
/** Nothing arriving for this long is a broken download, milliseconds. */
export const downloadIdleMs = 30_000;
/** How often the event log notes who computes and how fast: what a watcher sees who comes after the end. */
export const clusterEventMs = 30_000;
/** An engine that is lost more often than this within engineLossWindowMs has a cause that no restart mends. */
export const engineRestartsMax = 3;
/** A GPU that is reset once an hour still computes most of the time. */
export const engineLossWindowMs = 10 * 60_000;
/** Before the first restart, and so many times longer before each further one: a driver resets its GPU within seconds. */
export const engineRestartMs = 1_000;
export const engineRestartFactor = 4;
/** Decoded photos leave the disk this much: the coordinator, which may share it, begins nothing new at a quarter of that. */
export const pixelsFreeBytesMin = 4 * diskFreeBytesMin;
/** On a small disk this share of it instead. */
export const pixelsFreeShareMin = 0.1;
/** A decoded photo that was used within this makes no room for another: an epoch of most runs is shorter. */
export const pixelsInUseMs = 60 * 60_000;
/** Where decoded photos found no room, or the disk refused them, it is asked again after this. */
export const pixelsRetryMs = 60_000;
/** Decoded photos that wait to be written; beyond, they are not written this time: 170 of 256 x 256 px. */
export const pixelsPendingBytesMax = 32 * 1024 * 1024;
/**
 * Decoded photos are written at this pace at most, bytes for each core of the machine: 20 a second of 256 x 256 px, more than a
 * worker trains with on a core, and 1 % of its time. What is decoded faster is written in a later epoch.
 */
export const pixelsWrittenPerSecondMax = 4 * 1024 * 1024;
