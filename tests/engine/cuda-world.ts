/** A machine that has a GPU as far as anybody can tell: nvidia-smi, pip and NVIDIA's wheels are stand-ins. */
import { execFileSync, spawnSync } from "node:child_process";
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** What `probeGpu` has seen. */
export interface Seen {
  readonly smi: { readonly status: number; readonly output: string } | null;
  readonly version: string;
  readonly gpus: readonly string[];
}

type Env = Readonly<Record<string, string | undefined>>;

/** Of deploy/engine, which is JavaScript: it runs before there is a compiler. */
interface SetupModules {
  readonly linkCuda: (deps: string) => Promise<string[]>;
  readonly linkerFlagsOf: (libraries: readonly string[], lib: string) => string[];
  readonly compareVersions: (a: string, b: string) => number;
  readonly judgeGpu: (device: string, seen: Seen, env: Env) => { readonly cuda: boolean; readonly reason: string };
  readonly probeGpu: (env: Env, procDir: string) => Promise<Seen>;
}

export async function setupModules(): Promise<SetupModules> {
  const load = (name: string) => import(new URL(`../../deploy/engine/${name}.mjs`, import.meta.url).href);
  return { ...(await load("cuda")), ...(await load("gpu")) };
}

const root = fileURLToPath(new URL("../..", import.meta.url));
const makeWheel = fileURLToPath(new URL("make_wheel.py", import.meta.url));

/** Folder in NVIDIA's wheel -> file names of its libraries, and what each needs. */
export const cudaLibraries: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  cuda_runtime: { "libcudart.so.12": [] },
  cublas: { "libcublasLt.so.12": [], "libcublas.so.12": ["libcublasLt.so.12"] },
  cufft: { "libcufft.so.11": [] },
  nvjitlink: { "libnvJitLink.so.12": [] },
  cusparse: { "libcusparse.so.12": ["libnvJitLink.so.12"] },
  cusolver: { "libcusolver.so.11": ["libcublas.so.12", "libcusparse.so.12"] },
  cudnn: { "libcudnn_ops.so.9": [], "libcudnn.so.9": [] },
};

export class CudaWorld {
  readonly dir = mkdtempSync(join(tmpdir(), "seedgrow-cuda-"));

  path(...parts: readonly string[]): string {
    return join(this.dir, ...parts);
  }

  put(path: string, text: string, mode = 0o644): string {
    mkdirSync(dirname(this.path(path)), { recursive: true });
    writeFileSync(this.path(path), text);
    chmodSync(this.path(path), mode);
    return this.path(path);
  }

  /** A shared library that says its name, and needs others without saying where they are. */
  compile(path: string, source: string, needs: readonly string[] = []): string {
    const output = this.path(path);
    mkdirSync(dirname(output), { recursive: true });
    const code = this.put(`${path}.c`, source);
    const folders = this.libraryFolders().flatMap((folder) => [`-L${folder}`, `-Wl,-rpath-link,${folder}`]);
    const name = `-Wl,-soname,${path.split("/").at(-1)}`;
    const flags = ["-shared", "-fPIC", name, "-Wl,--no-as-needed", ...folders, ...needs.map((file) => `-l:${file}`)];
    execFileSync("cc", [code, "-o", output, ...flags, "-ldl"]);
    rmSync(code);
    return output;
  }

  private libraryFolders(): string[] {
    return Object.keys(cudaLibraries).map((folder) => this.path("built", folder));
  }

  /** The libraries above, in built/FOLDER. */
  compileCuda(): void {
    for (const [folder, libraries] of Object.entries(cudaLibraries)) {
      mkdirSync(this.path("built", folder), { recursive: true });
      for (const [file, needs] of Object.entries(libraries)) {
        const symbol = file.replace(/\W/g, "_");
        this.compile(join("built", folder, file), `const char* ${symbol}(void) { return "${file}"; }`, needs);
      }
    }
  }

  wheel(name: string, files: Readonly<Record<string, string>>, requires: readonly string[] = []): string {
    const path = this.path("wheels", name);
    mkdirSync(dirname(path), { recursive: true });
    const entries = Object.entries(files).map(([inside, file]) => `${inside}=${file}`);
    execFileSync("python3", [makeWheel, path, ...entries, ...requires.map((line) => `Requires-Dist=${line}`)]);
    return path;
  }

  /** One wheel for each folder of libraries, named as pip would fetch it. */
  cudaWheels(): string[] {
    return Object.entries(cudaLibraries).map(([folder, libraries]) => {
      const files = Object.keys(libraries).map((file) => [
        `nvidia/${folder}/lib/${file}`,
        this.path("built", folder, file),
      ]);
      this.wheel(`nvidia_${folder}_cu12-12.0-py3-none-manylinux_2_27_x86_64.whl`, Object.fromEntries(files));
      return `nvidia-${folder.replaceAll("_", "-")}-cu12==12.0; extra == "and-cuda"`;
    });
  }

  /** A python3 whose `pip download REQUIREMENT ... --dest FOLDER` copies out of wheels/. */
  python(): string {
    return this.put(
      "bin/python",
      `#!/usr/bin/env bash
if [[ "$1 $2 $3" != "-m pip download" ]]; then exec python3 "$@"; fi
name="\${4%%[=<>]*}"
cp "${this.path("wheels")}/\${name//-/_}"-*.whl "\${@: -1}"
`,
      0o755,
    );
  }

  nvidiaSmi(says: string, status = 0): void {
    this.put("bin/nvidia-smi", `#!/bin/sh\ncat <<'END'\n${says}\nEND\nexit ${status}\n`, 0o755);
  }

  /** deploy/ with packages of its own: an engine that is linked here is linked nowhere else. */
  checkout(): void {
    cpSync(join(root, "deploy"), this.path("tree/deploy"), { recursive: true });
    mkdirSync(this.path("tree/node_modules/@tensorflow"), { recursive: true });
    const link = (name: string) => {
      symlinkSync(realpathSync(join(root, "node_modules", name)), this.path("tree/node_modules", name));
    };
    for (const name of readdirSync(join(root, "node_modules"))) if (!/^([@.]|node-gyp$)/.test(name)) link(name);
    const own = "@tensorflow/tfjs-node-gpu";
    const source = join(root, "node_modules", own);
    const isWanted = (path: string) => !/\/(deps|lib)$/.test(path);
    cpSync(source, this.path("tree/node_modules", own), { recursive: true, filter: isWanted });
    const addon = join(source, "lib/napi-v8/tfjs_binding.node");
    this.put("tree/node_modules/node-gyp/bin/node-gyp.js", nodeGyp(addon));
  }

  engine(args: readonly string[] = [], env: Readonly<Record<string, string>> = {}) {
    const all = {
      ...process.env,
      PATH: `${this.path("bin")}:${process.env.PATH}`,
      XDG_CACHE_HOME: this.path("cache"),
      PYTHON: this.python(),
      ...env,
    };
    const script = this.path("tree/deploy/engine.mjs");
    const { status, stdout, stderr } = spawnSync(process.execPath, [script, ...args], { env: all, encoding: "utf8" });
    return { status, said: `${stdout}${stderr}` };
  }

  clear(): void {
    rmSync(this.dir, { recursive: true, force: true });
  }
}

/**
 * The wheel here has no headers to compile with. So "compiling" is linking the addon that is there, with the flags that
 * node-gyp would have passed on.
 */
function nodeGyp(addon: string): string {
  return `const { execFileSync } = require("node:child_process");
const fs = require("node:fs");
fs.mkdirSync("lib/napi-v8", { recursive: true });
fs.mkdirSync("deps/include", { recursive: true });
fs.mkdirSync("lib/real");
fs.copyFileSync(${JSON.stringify(addon)}, "lib/real/tfjs_binding.node");
fs.writeFileSync("empty.c", "");
const flags = process.env.LDFLAGS.trim().split(" ");
const names = ["-Wl,-soname,linked.node", "-Llib/real", "-l:tfjs_binding.node"];
const own = [...names, "-Wl,-rpath,$ORIGIN/../real:$ORIGIN/../../deps/lib"];
execFileSync("cc", ["-shared", "-fPIC", "empty.c", "-o", "lib/napi-v8/tfjs_binding.node", ...flags, ...own]);
`;
}
