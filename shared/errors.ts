/**
 * One error class and a closed list of codes. Anything caught becomes an AppError once, at the edge (`AppError.from`);
 * the code decides the exit code, the hint says what to do next.
 */

/** Exit codes, grouped so that a supervisor can tell "fix the input" from "try again". */
export const exitCodes = {
  internal: 1,
  usage: 2,
  data: 3,
  environment: 4,
  cluster: 5,
  interrupted: 130,
} as const;

/** Stable code -> [exit code, one sentence of advice]. docs/ERRORS.md is generated from this table. */
export const errorCodes = {
  INTERNAL: [exitCodes.internal, "A bug in seedgrow: please report it with the log."],
  USAGE: [exitCodes.usage, "Run the command with --help."],
  CONFIG_INVALID: [exitCodes.usage, "Fix the named keys; docs/CONFIG.md lists every key with its range."],
  RUN_NOT_FOUND: [exitCodes.usage, "`seedgrow runs` lists the runs."],
  RUN_BUSY: [exitCodes.usage, "Another coordinator holds this run: stop it first."],
  DATA_NOT_FOUND: [exitCodes.data, "Check the path."],
  DATA_EMPTY: [exitCodes.data, "Give every class folder at least one readable image."],
  DATA_BROKEN: [exitCodes.data, "Repair or remove the listed files, or raise data.brokenShareMax."],
  DATA_INCOMPLETE: [
    exitCodes.data,
    "Get the missing and altered files: with --download, or from where the set came from.",
  ],
  DATA_TAGS: [exitCodes.data, "Give at least one image a tag."],
  MASK_INVALID: [exitCodes.data, "Masks are 8-bit palette or grey PNGs of the photo's size; ids 0..N and 255."],
  MODEL_INVALID: [exitCodes.data, "Point to a folder written by seedgrow."],
  EXPORT_UNSUPPORTED: [exitCodes.usage, "Export the masks instead, or use `seedgrow serve`."],
  CORRECTIONS_INVALID: [
    exitCodes.data,
    "Mend corrections.json in the run's folder (docs/CORRECTIONS.md), or remove it.",
  ],
  BACKBONE_INVALID: [exitCodes.data, "Use a tfjs LayersModel with activations at strides 4, 8, 16 and 32."],
  DIGEST_MISMATCH: [exitCodes.data, "The bytes changed on the way or on disk: fetch them again."],
  CHECKPOINT_INVALID: [exitCodes.data, "Resume from an older checkpoint or start again."],
  DOWNLOAD_FAILED: [
    exitCodes.environment,
    "Run it again: it goes on where it stopped. Behind a wall, fetch the file elsewhere and give it by its path.",
  ],
  STORAGE_REFUSED: [
    exitCodes.environment,
    "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (and AWS_ENDPOINT_URL, where it is not AWS), or AWS_PROFILE.",
  ],
  ENGINE_MISSING: [exitCodes.environment, "Run ./deploy/setup.sh."],
  ENGINE_FAILED: [exitCodes.environment, "Run `seedgrow doctor`."],
  MATH_UNSUPPORTED: [
    exitCodes.environment,
    "Train with --math f32; bf16 is for the tensorflow engine on processors with AVX512_BF16 or AMX, f16 for the webgpu engine on GPUs with matrix units.",
  ],
  GPU_DRIVER_MISSING: [
    exitCodes.environment,
    "Install NVIDIA's driver until nvidia-smi shows the GPU, or set SEEDGROW_DEVICE=cpu.",
  ],
  GPU_DRIVER_OLD: [exitCodes.environment, "Update NVIDIA's driver to 525.60.13 or newer, or set SEEDGROW_DEVICE=cpu."],
  GPU_NOT_VISIBLE: [
    exitCodes.environment,
    "Make nvidia-smi show a GPU (docker: --gpus all; Slurm: --gpus=1), or set SEEDGROW_DEVICE=cpu.",
  ],
  GPU_NOT_USED: [
    exitCodes.environment,
    "Run `node deploy/engine.mjs --verify`: it says what TensorFlow misses. Or set SEEDGROW_DEVICE=cpu.",
  ],
  BROKER_MISSING: [exitCodes.environment, "Run ./deploy/setup.sh, or start nats-server -js and pass --nats."],
  BROKER_UNREACHABLE: [exitCodes.environment, "Check --nats and that nats-server runs with JetStream (-js)."],
  INSECURE_ADDRESS: [
    exitCodes.usage,
    "Give --certs DIR (`seedgrow certs` makes one), stay on 127.0.0.1, or say --insecure on a network you trust.",
  ],
  BROKER_REFUSED: [
    exitCodes.environment,
    "Reload nats-server after `seedgrow certs add`; a revoked certificate stays out.",
  ],
  CERT_INVALID: [
    exitCodes.environment,
    "Give the folder that `seedgrow certs add` wrote, with a key that only you can read.",
  ],
  CERT_MISSING: [exitCodes.environment, "Give --certs DIR with a certificate of this cluster (`seedgrow certs add`)."],
  CERT_UNKNOWN_CA: [
    exitCodes.environment,
    "Both sides need certificates of one CA: give each those of `seedgrow certs add`.",
  ],
  CERT_EXPIRED: [exitCodes.environment, "`seedgrow certs renew NAME`, copy the folder, start the process again."],
  CERT_NOT_YET_VALID: [exitCodes.environment, "Set the clocks of both machines (timedatectl): one of them is wrong."],
  CERT_WRONG_NAME: [
    exitCodes.environment,
    "Use a name that the certificate has (`seedgrow certs list`), or renew it with --san NAME.",
  ],
  CERT_REVOKED: [exitCodes.environment, "Issue a new one with `seedgrow certs add`, if it may take part again."],
  CERT_ROLE: [
    exitCodes.environment,
    "Give the process a certificate of the role it needs (docs/SECURITY.md has the table).",
  ],
  PEER_PLAINTEXT: [
    exitCodes.environment,
    "Start the other side with --certs as well: one side speaks TLS, the other does not.",
  ],
  TOKEN_INVALID: [exitCodes.usage, "A token is one line of 16 characters at least, in a file that only you can read."],
  HOSTS_INVALID: [exitCodes.usage, "Mend the named lines of the list of machines: `user@host slots=2 gpus=0,1`."],
  HOST_UNREACHABLE: [exitCodes.cluster, "Try `ssh -o BatchMode=yes USER@HOST true` by hand until it is silent."],
  HOST_FAILED: [
    exitCodes.cluster,
    "The machine's own words are above; `seedgrow doctor --hosts FILE` checks all of them.",
  ],
  PORT_BUSY: [exitCodes.environment, "Choose another port, or 0 for a free one."],
  CACHE_UNWRITABLE: [
    exitCodes.environment,
    "Work goes on, slower. Free some space, name another folder by --cache, or switch it off by --disk-mb 0.",
  ],
  DISK_FULL: [exitCodes.environment, "Free some space and run `seedgrow resume`."],
  NO_WORKERS: [exitCodes.cluster, "Start workers with `seedgrow worker --nats URL`, or train with --local N."],
  WORK_FAILED: [exitCodes.cluster, "The same work failed on several workers: see the cause."],
  PEER_UNREACHABLE: [exitCodes.cluster, "Check the network between workers and coordinator (cluster.advertise)."],
  MESSAGE_INVALID: [
    exitCodes.cluster,
    "Another process sent what makes no sense: run one version of seedgrow everywhere.",
  ],
  TRAINING_DIVERGED: [exitCodes.cluster, "Lower method.classifier.learningRate or method.segmenter.learningRate."],
  LEASE_LOST: [exitCodes.cluster, "Another coordinator has taken the workers."],
  INTERRUPTED: [exitCodes.interrupted, "`seedgrow resume RUN` goes on from the last checkpoint."],
} as const satisfies Record<string, readonly [number, string]>;

export type ErrorCode = keyof typeof errorCodes;

export interface AppErrorOptions {
  /** What to do next, when it is more specific than the code's own advice. */
  readonly hint?: string;
  readonly cause?: unknown;
}

export class AppError extends Error {
  readonly code: ErrorCode;
  readonly hint: string;

  constructor(code: ErrorCode, message: string, options: AppErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "AppError";
    this.code = code;
    this.hint = options.hint ?? errorCodes[code][1];
  }

  get exitCode(): number {
    return errorCodes[this.code][0];
  }

  /** Turns anything caught into an AppError; system errors get the code a user can act on. */
  static from(thrown: unknown): AppError {
    if (thrown instanceof AppError) return thrown;
    const error = thrown instanceof Error ? thrown : new Error(String(thrown));
    const systemCode = (error as NodeJS.ErrnoException).code;
    const code = (systemCode && systemErrorCodes[systemCode]) || "INTERNAL";
    return new AppError(code, error.message, { cause: error });
  }
}

const systemErrorCodes: Partial<Record<string, ErrorCode>> = {
  ENOSPC: "DISK_FULL",
  EDQUOT: "DISK_FULL",
  EADDRINUSE: "PORT_BUSY",
  ENOENT: "DATA_NOT_FOUND",
  ECONNREFUSED: "BROKER_UNREACHABLE",
};
