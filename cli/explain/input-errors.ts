/** Errors of what seedgrow was given, and of what it made of it. */
import type { Explanation } from "./explanation.js";

export const inputErrors = {
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
  TOKEN_INVALID: {
    means: "The token that a page should ask for cannot be used.",
    causes: ["an empty or short token", "a file that others can read"],
    tries: [
      "openssl rand -hex 16 > token; chmod 600 token; --token-file token",
      "leave it out: one is made and printed",
    ],
  },
  TRAINING_DIVERGED: {
    means: "The loss or a gradient is no number any more.",
    causes: ["a learning rate that is too high", "a backbone whose inputs have another range"],
    tries: ["--set method.segmenter.learningRate=0.0005", "--set method.classifier.learningRate=0.001"],
  },
  INTERRUPTED: {
    means: "It was asked to stop, and did. Nothing is lost.",
    causes: ["Ctrl-C, SIGTERM, `seedgrow stop`"],
    tries: ["seedgrow resume latest: same result as without the stop"],
  },
} as const satisfies Readonly<Record<string, Explanation>>;
