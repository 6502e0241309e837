import { describe, expect, test } from "vitest";
import type { AppError } from "../../shared/errors.js";
import { parseHosts } from "./hosts-file.js";
import { settingKeys } from "./plan.js";

const parse = (text: string) => parseHosts(text, settingKeys);

function problemsOf(text: string): string {
  try {
    parse(text);
  } catch (error) {
    expect(error).toMatchObject({ code: "HOSTS_INVALID" });
    return (error as AppError).message;
  }
  throw new Error("it was taken");
}

test("a name alone is one worker on the first port, reached and certified under that name", () => {
  expect(parse("gpu1\n")).toEqual([
    {
      ...{ line: 1, login: "gpu1", sshPort: null, name: "gpu1", address: "gpu1" },
      ...{ slots: 1, gpus: [], port: 7001, nodeDir: null, settings: {} },
    },
  ]);
});

test("comments and empty lines count as lines and say nothing", () => {
  const [host] = parse("# ours\n\n  root@gpu1   gpus=0,1 # the old one\r\n");
  expect(host).toMatchObject({ line: 3, login: "root@gpu1", name: "gpu1", slots: 2, gpus: ["0", "1"] });
});

test("every key is read, and settings of a worker are kept as they are", () => {
  const line = "u@10.0.0.8:2222 name=gpu2 address=gpu2.lan slots=4 gpus=GPU-1a,3 port=7101 node=/opt/n/bin threads=2";
  expect(parse(line)).toEqual([
    {
      ...{ line: 1, login: "u@10.0.0.8", sshPort: 2222, name: "gpu2", address: "gpu2.lan" },
      ...{ slots: 4, gpus: ["GPU-1a", "3"], port: 7101, nodeDir: "/opt/n/bin", settings: { threads: "2" } },
    },
  ]);
});

test("IPv6 is written in brackets", () => {
  expect(parse("u@[fd00::7]:2222 name=six")).toMatchObject([{ login: "u@fd00::7", sshPort: 2222, address: "fd00::7" }]);
  expect(parse("[::1] name=six")).toMatchObject([{ login: "::1", sshPort: null }]);
});

describe("what is wrong is said with its line, all at once:", () => {
  test("several mistakes", () => {
    const said = problemsOf("gpu1 slotz=2\ngpu2 slots=many gpus=0,0\n");
    expect(said).toContain('line 1: unknown key "slotz": did you mean "slots"?');
    expect(said).toContain("line 2: slots=many: expected a whole number from 1 to 64");
    expect(said).toContain("line 2: gpus=0,0: 0 is named twice");
  });

  test.each([
    ["", "no machine is named"],
    ["-oProxyCommand=id", "expected [user@]host[:port]"],
    ["u@gpu1;reboot", "expected [user@]host[:port]"],
    ["gpu1:99999", "expected a whole number from 1 to 65535"],
    ["gpu1 node=/x;id", "expected a folder's path"],
    ["gpu1 name=../x", "cannot be a name"],
    ["gpu1 slots", "expected key=value"],
    ["gpu1 nats=tls://x", "unknown key"],
    ["a@gpu1\nb@gpu1", "line 2: gpu1 is the machine of line 1"],
    ["gpu1 name=a\ngpu1 name=b", "line 2: b is the machine of line 1"],
  ])("%j", (text, problem) => {
    expect(problemsOf(text)).toContain(problem);
  });
});
