/** What every error code means, where it usually comes from, and what to try: `seedgrow explain CODE`. */
import type { ErrorCode } from "../../shared/errors.js";

export interface Explanation {
  readonly means: string;
  /** The usual causes, the likeliest first. */
  readonly causes: readonly string[];
  /** Commands or steps, the quickest first. */
  readonly tries: readonly string[];
}

export const explanations: Readonly<Record<ErrorCode, Explanation>> = {
  INTERNAL: {
    means: "seedgrow did something its authors did not expect. Your input should never lead here.",
    causes: ["a bug in seedgrow"],
    tries: ["SEEDGROW_DEBUG=1 seedgrow ...: adds the stack", "report it with that, and with `seedgrow doctor --json`"],
  },
  USAGE: {
    means: "The command line does not make sense. Nothing was done.",
    causes: ["a flag is missing, unknown, or contradicts another"],
    tries: ["seedgrow COMMAND --help: options and examples"],
  },
  CONFIG_INVALID: {
    means: "A setting is unknown or out of its range. Nothing was computed.",
    causes: ["a typing mistake in --set, the config file or a SEEDGROW_ variable", "a setting of another version"],
    tries: ["read the named keys in docs/CONFIG.md", "seedgrow init: writes a file with every line explained"],
  },
  RUN_NOT_FOUND: {
    means: "There is no such run, or nobody works on it any more.",
    causes: ["another folder of runs (--runs)", "a typing mistake in the id", "the run has ended"],
    tries: ["seedgrow runs", "seedgrow status --nats URL: runs of a cluster"],
  },
  RUN_BUSY: {
    means: "Another coordinator holds this run's folder.",
    causes: ["the run is still going on, here or in another terminal"],
    tries: ["seedgrow status RUN", "seedgrow stop RUN, then resume"],
  },
  DATA_NOT_FOUND: {
    means: "A path leads nowhere.",
    causes: ["a typing mistake", "a path relative to another folder", "a disk that is not mounted"],
    tries: ["ls PATH"],
  },
  DATA_EMPTY: {
    means: "Nothing to train on: a class, or the whole set, has no readable photo.",
    causes: [
      "the photos are one folder higher or deeper",
      "formats that are not read (HEIC, RAW)",
      "all copies left out",
    ],
    tries: ["seedgrow data check --data PATH: names what was found", "mkdir PATH/horse, and photos into it"],
  },
  DATA_BROKEN: {
    means: "Photos cannot be decoded, or too many of them; or an archive is damaged.",
    causes: ["downloads that broke off", "web pages saved as .jpg", "a disk that fails"],
    tries: [
      "seedgrow data check --data PATH: names each with its reason",
      "--set data.brokenShareMax=0.2: goes on without them",
    ],
  },
  DATA_INCOMPLETE: {
    means: "A known data set is not whole: images are missing, or are not byte for byte the published ones.",
    causes: ["a partial download", "images that were resized or saved anew"],
    tries: ["seedgrow data import horse2zebra --download", "... --json | jq -r '.missing[]': the list"],
  },
  DATA_TAGS: {
    means: "Nobody says what is in the photos, or says it in a way that is not understood.",
    causes: ["photos outside class folders", "a CSV with another separator or other column names"],
    tries: ["seedgrow data import csv FILE: reads other tools' tables", "docs/DATA.md shows the layouts"],
  },
  MASK_INVALID: {
    means: "A mask is not a map of class ids.",
    causes: [
      "black and white masks: 255 means ignore here, so write the class id instead",
      "colour pictures of masks",
      "another size than the photo's",
    ],
    tries: ["an 8-bit palette or grey PNG with 0, 1, 2, ... and 255", "docs/FAQ.md, on 0/255 masks"],
  },
  MODEL_INVALID: {
    means: "This is no model that seedgrow wrote.",
    causes: ["the run has not finished", "a folder one level off"],
    tries: ["seedgrow runs: runs with state done have a model", "seedgrow predict --model latest"],
  },
  EXPORT_UNSUPPORTED: {
    means: "The network has an operation that the wanted format does not know. Nothing was written.",
    causes: ["a backbone with unusual layers", "a model of the simulated engine, which has no network"],
    tries: ["seedgrow serve --model RUN: runs the model as it is", "seedgrow export RUN --format coco: the masks"],
  },
  CORRECTIONS_INVALID: {
    means: "corrections.json in the run's folder does not fit the run. It was not used.",
    causes: ["it was edited by hand", "it belongs to another run: photos and classes have other names"],
    tries: [
      "mend what the message names (docs/CORRECTIONS.md)",
      "remove the file: the run goes on without corrections",
    ],
  },
  BACKBONE_INVALID: {
    means: "The given network cannot serve as a backbone.",
    causes: [
      "it is no tfjs LayersModel (a GraphModel, a Keras file)",
      "it has no activations at strides 4, 8, 16 and 32",
    ],
    tries: ["tensorflowjs_converter --output_format=tfjs_layers_model", "--backbone scratch: the built-in network"],
  },
  DIGEST_MISMATCH: {
    means: "Bytes are not those that were written: their SHA-256 differs.",
    causes: ["a file was edited or cut", "a disk or a network that fails"],
    tries: ["fetch or make the file again", "delete the cache: ~/.cache/seedgrow/blobs"],
  },
  CHECKPOINT_INVALID: {
    means: "Nothing in the run's folder can be gone on from.",
    causes: ["the folder was copied while the run wrote", "files were deleted"],
    tries: ["train again with the same --seed: the result is the same"],
  },
  DOWNLOAD_FAILED: {
    means: "A file could not be fetched from elsewhere.",
    causes: ["no network, a proxy, or a firewall", "the address has moved"],
    tries: [
      "run it again: it goes on where it stopped",
      "fetch it in a browser and give the file",
      "--url another mirror",
    ],
  },
  STORAGE_REFUSED: {
    means: "S3-compatible storage does not let us read there.",
    causes: ["no credentials, or wrong or expired ones", "they may not list or read this bucket"],
    tries: ["`aws s3 ls s3://BUCKET/PREFIX` with the same environment", "AWS_ENDPOINT_URL, where it is not AWS"],
  },
  ENGINE_MISSING: {
    means: "The engine is not there: TensorFlow's library, or for webgpu its package or a GPU's driver.",
    causes: ["setup did not run, or Node was changed since"],
    tries: ["./deploy/setup.sh", "seedgrow doctor"],
  },
  ENGINE_FAILED: {
    means: "The engine is there, but does not start, or has stopped: a GPU was lost, memory ran out.",
    causes: ["SEEDGROW_DEVICE=gpu without a usable GPU", "a driver of another version", "a processor without AVX"],
    tries: ["seedgrow doctor: says which", "SEEDGROW_DEVICE=cpu"],
  },
  GPU_DRIVER_MISSING: {
    means:
      "A GPU was asked for, or its tools are here, but NVIDIA's driver does not answer. Said by ./deploy/setup.sh.",
    causes: [
      "no driver",
      "a new driver, and the machine not restarted",
      "the kernel was updated and the driver was not",
    ],
    tries: ["nvidia-smi", "apt-get install nvidia-driver, and restart", "SEEDGROW_DEVICE=cpu ./deploy/setup.sh"],
  },
  GPU_DRIVER_OLD: {
    means: "The driver is older than CUDA 12 takes. Said by ./deploy/setup.sh.",
    causes: ["an old distribution, or a GPU whose support has ended"],
    tries: ["nvidia-smi: shows the version", "update the driver", "SEEDGROW_DEVICE=cpu ./deploy/setup.sh"],
  },
  GPU_NOT_VISIBLE: {
    means: "The driver is here, and shows this process no GPU.",
    causes: ["a container without --gpus", "a job without a GPU", "CUDA_VISIBLE_DEVICES is empty or -1"],
    tries: ["nvidia-smi -L", "docker run --gpus all, sbatch --gpus=1", "SEEDGROW_DEVICE=cpu"],
  },
  GPU_NOT_USED: {
    means: "TensorFlow would compute on the processor where a GPU was meant to. It says nothing of that by itself.",
    causes: [
      "a CUDA library does not load",
      "an engine without CUDA, installed before there was a GPU",
      "the GPU is older than the CUDA build supports",
    ],
    tries: [
      "./deploy/setup.sh: installs the engine for CUDA",
      "node deploy/engine.mjs --verify",
      "SEEDGROW_DEVICE=cpu: says that the processor is meant",
    ],
  },
  BROKER_MISSING: {
    means: "--local needs a nats-server to start, and there is none.",
    causes: ["setup did not run"],
    tries: ["./deploy/setup.sh", "apt-get install nats-server, or SEEDGROW_NATS_SERVER=PATH"],
  },
  BROKER_UNREACHABLE: {
    means: "Nobody answers at the address of the NATS server.",
    causes: ["it does not run", "a firewall, or another port", "it listens on loopback only"],
    tries: ["nats-server -js", "seedgrow doctor --nats URL"],
  },
  INSECURE_ADDRESS: {
    means: "Something would be reached from other machines, or reach them, unencrypted and without asking who it is.",
    causes: ["a worker or run that leaves 127.0.0.1, without --certs"],
    tries: [
      "seedgrow certs init, then seedgrow certs add NAME --role worker (docs/CLUSTER.md)",
      "--insecure: on a network where nobody but you is",
    ],
  },
  BROKER_REFUSED: {
    means: "The NATS server is there, but does not let this certificate in.",
    causes: ["it was issued after the server was last reloaded", "it was revoked", "the server asks for a password"],
    tries: ["seedgrow certs list", "kill -HUP of nats-server, where it runs on another machine than the CA"],
  },
  CERT_INVALID: {
    means: "A certificate, a key or the list of revoked ones cannot be used. Nothing was sent.",
    causes: ["the wrong folder", "a file is missing or cut", "a key that other people on the machine can read"],
    tries: [
      "ls -l DIR: ca.crt, node.crt, node.key (mode 600), ca.crl",
      "seedgrow certs renew NAME, and copy the folder anew",
    ],
  },
  CERT_MISSING: {
    means: "The other side speaks to those alone who show a certificate.",
    causes: ["--certs was not given on one of the sides"],
    tries: ["--certs DIR, or SEEDGROW_CERTS=DIR"],
  },
  CERT_UNKNOWN_CA: {
    means: "Two certificates are not of the same family: their CAs differ.",
    causes: ["`seedgrow certs init` was run twice, and one machine has the older files", "somebody else's cluster"],
    tries: ["openssl x509 -in DIR/ca.crt -noout -fingerprint: compare on both machines", "copy the node's folder anew"],
  },
  CERT_EXPIRED: {
    means: "A certificate was good until a day that has passed.",
    causes: ["a year has gone by", "the clock of one machine is ahead"],
    tries: ["seedgrow certs list: days left", "seedgrow certs renew NAME", "timedatectl"],
  },
  CERT_NOT_YET_VALID: {
    means: "A certificate begins in the future, as this machine's clock has it.",
    causes: ["a clock that is behind: a machine without a battery or without NTP"],
    tries: ["date, on both machines", "timedatectl set-ntp true"],
  },
  CERT_WRONG_NAME: {
    means: "The machine that answered is not the one that was asked for, or is known by another name.",
    causes: [
      "--advertise or --nats has an IP address, and the certificate only the name",
      "an address that now leads elsewhere",
    ],
    tries: ["seedgrow certs list: the names it has", "seedgrow certs renew NAME --san 10.0.0.7"],
  },
  CERT_REVOKED: {
    means: "The owner of the cluster has taken this certificate back.",
    causes: ["`seedgrow certs revoke`"],
    tries: ["ask who runs the cluster", "seedgrow certs add NAME: a new one"],
  },
  CERT_ROLE: {
    means: "The certificate is good, but for another part: a worker may not command, a viewer may only look.",
    causes: ["the wrong folder in --certs", "somebody tries what they may not do"],
    tries: ["seedgrow certs list: roles", "docs/SECURITY.md: who may do what"],
  },
  PEER_PLAINTEXT: {
    means: "One side encrypts, the other does not.",
    causes: [
      "--certs on one of them only",
      "another service at that port",
      "a nats-server without the generated config",
    ],
    tries: ["--certs on both", "nats-server -c DIR/nats/nats-server.conf"],
  },
  TOKEN_INVALID: {
    means: "The token that a page should ask for cannot be used.",
    causes: ["an empty or short token", "a file that others can read"],
    tries: [
      "openssl rand -hex 16 > token; chmod 600 token; --token-file token",
      "leave it out: one is made and printed",
    ],
  },
  HOSTS_INVALID: {
    means: "The list of machines has lines that do not make sense. No machine was touched.",
    causes: ["a typing mistake in a key", "one machine on two lines: give it slots=2 instead"],
    tries: ["seedgrow hosts up --help: what a line may say"],
  },
  HOST_UNREACHABLE: {
    means: "ssh does not get into a machine, or was cut off.",
    causes: [
      "the machine's key is not known here: nobody has connected to it yet, or it was installed anew",
      "no key of ours is accepted there; a password is never asked for",
      "a wrong name, a firewall, a machine that is off",
    ],
    tries: ["ssh USER@HOST true: by hand, once", "ssh-copy-id USER@HOST", "seedgrow doctor --hosts FILE"],
  },
  HOST_FAILED: {
    means: "A machine was reached, but what was to be done there failed.",
    causes: ["its setup failed: no Node, no disk, no package registry", "its workers do not start: NATS, certificates"],
    tries: ["seedgrow doctor --hosts FILE", "seedgrow hosts logs FILE"],
  },
  PORT_BUSY: {
    means: "Another program listens there.",
    causes: ["a second worker, dashboard or server with the same port"],
    tries: ["port 0: a free one"],
  },
  DISK_FULL: {
    means: "A file could not be written.",
    causes: ["the disk, or the quota, is full"],
    tries: ["df -h", "delete old runs", "seedgrow resume RUN: goes on from the last checkpoint"],
  },
  NO_WORKERS: {
    means: "Nobody is there to compute, or all have ended.",
    causes: ["no worker runs, or on another broker", "workers that crash at once: too little memory, no engine"],
    tries: ["runs/RUN/logs/worker-1.log", "seedgrow doctor", "seedgrow worker --nats URL"],
  },
  WORK_FAILED: {
    means: "The same piece of work failed on every worker that tried it: it is the work's fault, not theirs.",
    causes: ["too little memory for the images' size", "a photo that decodes here and not there"],
    tries: ["the message names the cause", "--set method.imageSize=128, or a smaller microBatchSize"],
  },
  PEER_UNREACHABLE: {
    means: "Coordinator and worker cannot reach each other.",
    causes: ["they tell each other 127.0.0.1", "a firewall between them"],
    tries: [
      "workers: --listen 0.0.0.0:7001 --advertise HOST:7001",
      "train: --listen 0.0.0.0:7000 --advertise HOST:7000",
    ],
  },
  MESSAGE_INVALID: {
    means: "A message or result of another process is not what the protocol says; it was not used.",
    causes: ["another version of seedgrow on a machine of the cluster", "memory or a disk that alters what it holds"],
    tries: [
      "seedgrow --version on every machine",
      "the worker that sent two of them is quarantined: look at its machine",
    ],
  },
  TRAINING_DIVERGED: {
    means: "The loss or a gradient is no number any more.",
    causes: ["a learning rate that is too high", "a backbone whose inputs have another range"],
    tries: ["--set method.segmenter.learningRate=0.0005", "--set method.classifier.learningRate=0.001"],
  },
  LEASE_LOST: {
    means: "The workers obey a newer coordinator of this run.",
    causes: ["`seedgrow resume` was called while this one was frozen"],
    tries: ["nothing: the newer one goes on", "seedgrow watch RUN"],
  },
  INTERRUPTED: {
    means: "It was asked to stop, and did. Nothing is lost.",
    causes: ["Ctrl-C, SIGTERM, `seedgrow stop`"],
    tries: ["seedgrow resume latest: same result as without the stop"],
  },
};
