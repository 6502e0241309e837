/**
 * The engine for CUDA, as far as it can be tried without a GPU: what is decided from what nvidia-smi says, how wheels are
 * laid out, that libraries are found without LD_LIBRARY_PATH, and that a processor which computes in a GPU's place is an error.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, realpathSync, statfsSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { errorCodes } from "../../shared/errors.js";
import { CudaWorld, cudaLibraries, type Seen, setupModules } from "./cuda-world.js";

const { linkCuda, linkerFlagsOf, compareVersions, judgeGpu, probeGpu } = await setupModules();

const unpack = fileURLToPath(new URL("../../deploy/engine/unpack-cuda.py", import.meta.url));
const packageDir = fileURLToPath(new URL("../../node_modules/@tensorflow/tfjs-node-gpu", import.meta.url));
const kernel = "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  560.35.03  Release Build\n";

const nothing: Seen = { smi: null, version: "", gpus: [] };
const says = (output: string, status = 0): Seen => ({ ...nothing, smi: { status, output } });

describe("what to build for", () => {
  const h100 = "NVIDIA H100 80GB HBM3, 550.54.15\nNVIDIA H100 80GB HBM3, 550.54.15";
  const h100Named = "driver 550.54.15, NVIDIA H100 80GB HBM3, NVIDIA H100 80GB HBM3";

  test.each<[string, string, Seen, Record<string, string>, boolean, string]>([
    ["no driver", "auto", nothing, {}, false, "no NVIDIA driver"],
    ["two GPUs", "auto", says(h100), {}, true, h100Named],
    ["two GPUs", "cpu", says(h100), {}, false, "SEEDGROW_DEVICE=cpu"],
    ["hidden ones", "auto", says(h100), { CUDA_VISIBLE_DEVICES: "-1" }, false, "CUDA_VISIBLE_DEVICES hides every GPU"],
    ["one of two shown", "gpu", says(h100), { CUDA_VISIBLE_DEVICES: "1" }, true, h100Named],
    [
      "a driver without tools",
      "gpu",
      { ...nothing, version: kernel, gpus: ["0000:65:00.0"] },
      {},
      true,
      "driver 560.35.03, 0000:65:00.0",
    ],
  ])("%s, SEEDGROW_DEVICE=%s", (_, device, seen, env, cuda, reason) => {
    expect(judgeGpu(device, seen, env)).toEqual({ cuda, reason });
  });

  const broken = "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.";
  test.each<[string, string, Seen, Record<string, string>, string, RegExp]>([
    ["no driver", "gpu", nothing, {}, "GPU_DRIVER_MISSING", /install NVIDIA's driver/],
    ["a driver that does not answer", "auto", says(broken, 9), {}, "GPU_DRIVER_MISSING", /until nvidia-smi shows/],
    [
      "a driver changed under the kernel",
      "auto",
      says("Driver/library version mismatch", 18),
      {},
      "GPU_DRIVER_MISSING",
      /restart the machine/,
    ],
    ["an old driver", "auto", says("Tesla K80, 470.256.02"), {}, "GPU_DRIVER_OLD", /525\.60\.13 or newer/],
    [
      "an old driver without tools",
      "auto",
      { ...nothing, version: kernel.replace("560.35.03", "515.65.01"), gpus: ["a"] },
      {},
      "GPU_DRIVER_OLD",
      /update/,
    ],
    ["a container without --gpus", "auto", says("No devices were found", 6), {}, "GPU_NOT_VISIBLE", /--gpus all/],
    ["no line", "auto", says(""), {}, "GPU_NOT_VISIBLE", /SEEDGROW_DEVICE=cpu/],
    ["a driver without GPUs", "auto", { ...nothing, version: kernel }, {}, "GPU_NOT_VISIBLE", /Slurm: --gpus=1/],
    ["a hidden GPU that is asked for", "gpu", says(h100), { CUDA_VISIBLE_DEVICES: "" }, "GPU_NOT_VISIBLE", /unset/],
  ])("%s, SEEDGROW_DEVICE=%s, is an error with the next step", (_, device, seen, env, code, next) => {
    let thrown: unknown;
    try {
      judgeGpu(device, seen, env);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toMatchObject({ code, nextStep: expect.stringMatching(next) });
    expect(Object.keys(errorCodes)).toContain(code);
  });

  test("versions are compared by number", () => {
    expect(compareVersions("525.60.13", "525.60.13")).toBe(0);
    expect(compareVersions("525.60.9", "525.60.13")).toBeLessThan(0);
    expect(compareVersions("1000.1", "525.60.13")).toBeGreaterThan(0);
    expect(compareVersions("525.60", "525.60.13")).toBeLessThan(0);
  });
});

/** As much as setup asks for. */
const { bavail, bsize } = statfsSync(tmpdir());
const hasRoom = bavail * bsize > 11e9;
if (!hasRoom) process.stderr.write("SKIPPED: the whole setup for CUDA, which wants 11 GB of disk\n");
const withoutEngine = "TensorFlow is not installed here, or there is no room for it twice";
const hasEngine = hasRoom && existsSync(join(packageDir, "deps/lib/libtensorflow_cc.so.2"));
const hasCompiler = spawnSync("cc", ["--version"]).status === 0;

describe.skipIf(!hasCompiler)("from wheels (skipped without a C compiler)", () => {
  const world = new CudaWorld();
  let requires: string[] = [];

  beforeAll(() => {
    world.compileCuda();
    requires = world.cudaWheels();
  });

  afterAll(() => world.clear());

  test("nvidia-smi is asked, and its answer and its failure are passed on", async () => {
    const env = { ...process.env, PATH: `${world.path("bin")}:${process.env.PATH}` };
    world.nvidiaSmi("NVIDIA L4, 550.54.15");
    expect(await probeGpu(env, world.path("none"))).toEqual(says("NVIDIA L4, 550.54.15"));
    world.nvidiaSmi("No devices were found", 6);
    expect(await probeGpu(env, world.path("none"))).toEqual(says("No devices were found", 6));
    expect(await probeGpu({ PATH: world.path("nowhere") }, world.path("none"))).toEqual(nothing);
  });

  test("a wheel is asked what it wants for CUDA, and for nothing else", () => {
    const file = world.put("empty", "");
    const extras = ['nvidia-cublas-cu12<13.0,>=12.5; extra == "and-cuda"', "numpy>=1.26", 'gcs; extra == "gcs"'];
    const wheel = world.wheel("other-1-py3-none-any.whl", { "a.txt": file }, extras);
    const said = execFileSync("python3", [unpack, "requirements", wheel, "and-cuda"], { encoding: "utf8" });
    expect(said).toBe("nvidia-cublas-cu12<13.0,>=12.5\n");
  });

  test("only libraries, ptxas and libdevice are taken, and a path cannot leave its folder", () => {
    const file = world.put("content", "x");
    const names = [
      "nvidia/cuda_nvcc/bin/ptxas",
      "nvidia/cublas/include/cublas.h",
      "nvidia/cublas/lib/libcublas_static.a",
    ];
    const wheel = world.wheel("mixed-1-py3-none-any.whl", Object.fromEntries(names.map((name) => [name, file])));
    execFileSync("python3", [unpack, "unpack", wheel, world.path("taken")]);
    expect(readdirSync(world.path("taken"), { recursive: true }).sort()).toEqual(
      ["nvidia", "nvidia/cuda_nvcc", "nvidia/cuda_nvcc/bin", "nvidia/cuda_nvcc/bin/ptxas"].sort(),
    );
    const evil = world.wheel("evil-1-py3-none-any.whl", { "nvidia/../../libevil.so": file });
    const { status, stderr } = spawnSync("python3", [unpack, "unpack", evil, world.path("evil")], { encoding: "utf8" });
    expect([status, stderr]).toEqual([1, expect.stringContaining("leads out of its folder")]);
    expect(existsSync(world.path("libevil.so"))).toBe(false);
  });

  /** deps/ as setup lays it out, with a libtensorflow that opens CUDA by name, as the real one does. */
  async function layOut(name: string): Promise<{ deps: string; libraries: string[] }> {
    const deps = world.path(name, "deps");
    for (const wheel of readdirSync(world.path("wheels")).filter((file) => file.startsWith("nvidia_")))
      execFileSync("python3", [unpack, "unpack", world.path("wheels", wheel), deps]);
    const source = `#include <dlfcn.h>
int opens(const char* name) { return dlopen(name, RTLD_NOW) != 0; }`;
    world.compile(`${name}/deps/lib/libtensorflow.so`, source);
    return { deps, libraries: await linkCuda(deps) };
  }

  test("every library lies beside libtensorflow, and a missing one is named", async () => {
    const { deps, libraries } = await layOut("layout");
    const all = Object.values(cudaLibraries).flatMap((files) => Object.keys(files));
    expect(readdirSync(join(deps, "lib")).sort()).toEqual([...all, "libtensorflow.so"].sort());
    for (const file of all) expect(realpathSync(join(deps, "lib", file))).toContain("/deps/nvidia/");
    expect(libraries).toContain("libcudnn.so.9");
    expect(libraries).not.toContain("libcudnn_ops.so.9");
    mkdirSync(world.path("none/deps/lib"), { recursive: true });
    await expect(linkCuda(world.path("none/deps"))).rejects.toThrow(
      "the wheels lack libcudart, libcublas, libcublasLt",
    );
  });

  test("what the addon is linked to is found without LD_LIBRARY_PATH, by whoever opens it by name", async () => {
    const { deps, libraries } = await layOut("linked");
    const lib = join(deps, "lib");
    const opened = (flags: readonly string[]) => {
      const addon = world.path("linked/addon.so");
      const source = world.put(
        "linked/addon.c",
        "int opens(const char*); int addon(const char* n) { return opens(n); }",
      );
      const own = [`-L${lib}`, "-ltensorflow", `-Wl,-rpath,${lib}`];
      execFileSync("cc", ["-shared", "-fPIC", source, "-o", addon, ...flags, ...own]);
      const script = `import ctypes, sys
addon = ctypes.CDLL(sys.argv[1])
print([addon.addon(name.encode()) for name in sys.argv[2:]])`;
      const env = { PATH: process.env.PATH };
      const args = ["-c", script, addon, ...libraries];
      return JSON.parse(execFileSync("python3", args, { env, encoding: "utf8" })) as number[];
    };
    expect(opened([])).toEqual(libraries.map(() => 0));
    expect(opened(linkerFlagsOf(libraries, lib))).toEqual(libraries.map(() => 1));
  });

  describe("the whole setup on a machine that claims to have a GPU", () => {
    beforeAll(() => {
      world.checkout();
      if (hasEngine) tensorflowWheel();
    }, 120_000);

    /** TensorFlow itself, which cannot know of a GPU, in a wheel that asks for CUDA. */
    function tensorflowWheel(): void {
      const libraries = ["libtensorflow_cc.so.2", "libtensorflow_framework.so.2"];
      const files = libraries.map((file) => [`tensorflow/${file}`, realpathSync(join(packageDir, "deps/lib", file))]);
      world.wheel("tensorflow-2.21.0-cp311-cp311-manylinux_2_27_x86_64.whl", Object.fromEntries(files), requires);
    }

    test("an old driver ends it before anything is fetched", () => {
      world.nvidiaSmi("Tesla K80, 470.256.02");
      const { status, said } = world.engine();
      expect([status, said]).toEqual([4, expect.stringContaining("[GPU_DRIVER_OLD]")]);
      expect(said).toContain("Next step: update the driver");
      expect(existsSync(world.path("cache"))).toBe(false);
    });

    test("a wheel without CUDA is refused in the place of one with it", () => {
      world.nvidiaSmi("NVIDIA L4, 550.54.15");
      const { status, said } = world.engine([], { SEEDGROW_TENSORFLOW_WHEEL: world.put("tensorflow_cpu-1.whl", "x") });
      expect([status, said]).toEqual([4, expect.stringContaining("is built without CUDA")]);
    });

    test("a processor that computes in the GPU's place is an error, and leaves no engine", ({ skip }) => {
      if (!hasEngine) skip(withoutEngine);
      world.nvidiaSmi("NVIDIA L4, 550.54.15");
      const { status, said } = world.engine();
      expect(said).toContain("for CUDA: driver 550.54.15, NVIDIA L4");
      expect([status, said]).toEqual([4, expect.stringContaining("[GPU_NOT_USED]")]);
      expect(said).toContain("the convolution ran on the processor");
      expect(readdirSync(world.path("cache/seedgrow/engines"))).toEqual([]);
    }, 120_000);

    test("for a GPU elsewhere it is built, whole and linked, and says so when it finds none", ({ skip }) => {
      if (!hasEngine) skip(withoutEngine);
      const { status, said } = world.engine(["--gpu-elsewhere"]);
      expect([status, said]).toEqual([0, expect.stringContaining("installed into")]);
      const own = world.path("tree/node_modules/@tensorflow/tfjs-node-gpu");
      const record = JSON.parse(readFileSync(join(dirname(realpathSync(join(own, "deps"))), "engine.json"), "utf8"));
      expect(record).toMatchObject({ cuda: true, gpu: false, tensorflow: "2.21.0" });
      const script = `process.dlopen({ exports: {} }, process.argv[1]);
for (const line of require("node:fs").readFileSync("/proc/self/maps", "utf8").split("\\n"))
  if (/nvidia.*\\.so/.test(line)) console.log(line.split("/").at(-1))`;
      const loaded = execFileSync(process.execPath, ["-e", script, join(own, "lib/napi-v8/tfjs_binding.node")], {
        env: { PATH: process.env.PATH },
        encoding: "utf8",
      });
      expect(new Set(loaded.trim().split("\n"))).toContain("libcudnn.so.9");
      world.nvidiaSmi("NVIDIA L4, 550.54.15");
      expect(world.engine()).toMatchObject({ status: 0, said: expect.stringContaining("already in") });
      expect(world.engine(["--verify"])).toMatchObject({
        status: 4,
        said: expect.stringContaining("[GPU_NOT_USED]"),
      });
    }, 120_000);
  });
});
