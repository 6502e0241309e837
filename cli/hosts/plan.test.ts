import { describe, expect, test } from "vitest";
import { codeOf, type HostResult, readSlot } from "./fleet.js";
import { type HostSpec, parseHosts } from "./hosts-file.js";
import { planSlots, settingKeys, setupEngine } from "./plan.js";
import { judgeHost, readProbe } from "./probe.js";
import { sshArguments, sshProblem } from "./ssh.js";
import { planText } from "./up.js";

const plan = { nats: "tls://head:4222", isInsecure: false, sets: ["memoryMb=64", "threads=1"] };

function hostOf(line: string): HostSpec {
  return parseHosts(line, settingKeys)[0]!;
}

describe("the plan of a machine", () => {
  test("gives every slot its port, its name and its GPU, and a line's settings before those of all", () => {
    const slots = planSlots(hostOf("u@gpu1.lan slots=3 gpus=0,1 threads=2"), plan);
    expect(slots.map(({ variables }) => variables.CUDA_VISIBLE_DEVICES)).toEqual(["0", "1", "0"]);
    expect(slots[2]).toEqual({
      slot: 2,
      variables: {
        SEEDGROW_WORKER_MEMORY_MB: "64",
        SEEDGROW_WORKER_THREADS: "2",
        SEEDGROW_WORKER_NATS: "tls://head:4222",
        SEEDGROW_WORKER_ID: "gpu1-lan-2",
        SEEDGROW_WORKER_LISTEN: "0.0.0.0:7003",
        SEEDGROW_WORKER_ADVERTISE: "gpu1.lan:7003",
        CUDA_VISIBLE_DEVICES: "0",
      },
    });
  });

  test("leaves the GPUs alone where none is named, and listens on IPv6 where that is the address", () => {
    const [slot] = planSlots(hostOf("[fd00::7] name=six"), plan);
    expect(slot!.variables).not.toHaveProperty("CUDA_VISIBLE_DEVICES");
    expect(slot!.variables).toMatchObject({ SEEDGROW_WORKER_ADVERTISE: "[fd00::7]:7001" });
  });

  test("opens no port where the workers do the calling", () => {
    const [slot] = planSlots(hostOf("gpu1 push=true"), plan);
    expect(Object.keys(slot!.variables).filter((name) => /LISTEN|ADVERTISE/.test(name))).toEqual([]);
    expect(slot!.variables).toMatchObject({ SEEDGROW_WORKER_PUSH: "true" });
  });

  test.each([["threads=0"], ["engine=cuda"], ["nonsense=1"]])("a worker would refuse %s: said before ssh", (set) => {
    expect(() => planSlots(hostOf("gpu1"), { ...plan, sets: [set] })).toThrow(
      expect.objectContaining({ code: "CONFIG_INVALID" }),
    );
  });

  test("TensorFlow is installed only where workers may compute with it", () => {
    expect(setupEngine(hostOf("gpu1"), plan)).toBe("auto");
    expect(setupEngine(hostOf("gpu1 engine=simulated"), plan)).toBe("wasm");
    expect(setupEngine(hostOf("gpu1 engine=tensorflow"), { ...plan, sets: ["engine=wasm"] })).toBe("tensorflow");
  });

  test("goes over in lines: certificates in base64, slots with their variables, the end", () => {
    const text = planText(hostOf("gpu1 node=/opt/bin engine=wasm"), plan, { "node.key": Buffer.from("secret\n") });
    const lines = text.split("\n");
    expect(lines.slice(0, 5)).toEqual([
      "node /opt/bin",
      "engine wasm",
      `file node.key ${Buffer.from("secret\n").toString("base64")}`,
      "slot 0",
      "certs",
    ]);
    expect(lines.slice(-2)).toEqual(["go", ""]);
  });
});

test("ssh asks nobody, checks the machine's key, and takes no name for a flag", () => {
  const args = sshArguments(hostOf("u@gpu1:2222"), "/my/config", "true");
  expect(args.slice(0, 4)).toEqual(["-F", "/my/config", "-o", "BatchMode=yes"]);
  expect(args).toContain("StrictHostKeyChecking=yes");
  expect(args.slice(-6)).toEqual(["-p", "2222", "-T", "--", "u@gpu1", "true"]);
});

test.each([
  ["Host key verification failed.", "by hand"],
  ["u@gpu1: Permission denied (publickey).", "ssh-copy-id u@gpu1"],
  ["ssh: Could not resolve hostname gpu1: Name or service not known", "Correct the name"],
  ["ssh: connect to host gpu1 port 22: Connection refused", "No sshd"],
  ["ssh: connect to host gpu1 port 22: Connection timed out", "firewall"],
])("%s: what to do", (said, advice) => {
  const problem = sshProblem(hostOf("u@gpu1"), [said, ""]);
  expect(problem).toMatchObject({ code: "HOST_UNREACHABLE", message: `gpu1: ${said}` });
  expect(problem.hint).toContain(advice);
});

describe("what a machine says of itself", () => {
  const said = [
    ...["time 1000", "user u", "arch Linux x86_64", "cores 8", "node v20.12.0", `disk ${50 * 1024 ** 2}`],
    ...[`memory ${32 * 1024 ** 2}`, "gpu 0, NVIDIA A100", "gpu 1, NVIDIA A100", "bundle yes", "fresh no"],
    ...["reached head:4222", "end ok"],
  ];
  const verdictsOf = (line: string, words: readonly string[], skewMs = 0) =>
    Object.fromEntries(judgeHost(hostOf(line), readProbe(words)!, skewMs).map(({ name, verdict }) => [name, verdict]));

  test("is read whole or not at all", () => {
    expect(readProbe(said)).toMatchObject({
      node: "20.12.0",
      hasBundle: true,
      isFresh: false,
      natsReached: ["head:4222"],
    });
    expect(readProbe(said.slice(0, -1))).toBeNull();
  });

  test("is judged: all well", () => {
    const all = ["node", "disk", "memory", "clock", "gpu", "nats"].map((name) => [name, "ok"]);
    expect(verdictsOf("gpu1 gpus=0,1", said)).toEqual(Object.fromEntries(all));
  });

  test.each([
    ["an old node", "gpu1 gpus=0", "node v18.0.0", { node: "fail" }],
    ["no node", "gpu1 gpus=0", "node none", { node: "fail" }],
    ["a full disk", "gpu1 gpus=0", "disk 1000", { disk: "warn" }],
    ["little memory", "gpu1 gpus=0", "memory 1000", { memory: "warn" }],
    ["NATS out of reach", "gpu1 gpus=0", "unreached head:4222", { nats: "warn" }],
    ["a GPU that is not there", "gpu1 gpus=0,2", "", { gpu: "fail" }],
    ["GPUs that nobody asked for", "gpu1", "", { gpu: "warn" }],
  ])("%s", (_, line, instead, wanted) => {
    const key = instead.split(" ")[0];
    const words = instead === "" ? said : [instead, ...said.filter((word) => word.split(" ")[0] !== key)];
    expect(verdictsOf(line, words)).toMatchObject(wanted);
  });

  test("a clock that is wrong", () => {
    expect(verdictsOf("gpu1 gpus=0", said, -60_000)).toMatchObject({ clock: "warn" });
  });
});

test("lines of a machine that are no slot's are progress", () => {
  expect(readSlot("slot\t1\tfailed\t4")).toEqual({ slot: 1, state: "failed", details: ["4"] });
  expect(readSlot("npm packages: done (34 s)")).toBeNull();
});

test.each([
  [[0, 0], 0],
  [[0, 4, 4], 4],
  [[4, 2], 5],
  [[5, 130], 130],
])("codes %j make exit code %i", (codes, code) => {
  const results = codes.map((one): HostResult => ({ name: "x", code: one, slots: [], error: null }));
  expect(codeOf(results)).toBe(code);
});
