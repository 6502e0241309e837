import { describe, expect, test } from "vitest";
import { announced, hostOf, isLoopback, requirePrivate } from "./exposure.js";

test.each([
  ["nats://head:4222", "head"],
  ["tls://user@10.0.0.7:4222/", "10.0.0.7"],
  ["127.0.0.1:0", "127.0.0.1"],
  ["[::1]:7000", "::1"],
  ["fe80::1", "fe80::1"],
  ["localhost", "localhost"],
  [":7000", ""],
])("the host of %s is %s", (address, host) => {
  expect(hostOf(address)).toBe(host);
});

test.each(["127.0.0.1", "127.255.0.3", "localhost", "::1", "::ffff:127.0.0.1"])("%s is loopback", (host) => {
  expect(isLoopback(host)).toBe(true);
});

test.each(["", "0.0.0.0", "::", "head", "128.0.0.1", "127.0.0.1.example.org", "localhost.example.org", "10.0.0.7"])(
  "%s is not",
  (host) => {
    expect(isLoopback(host)).toBe(false);
  },
);

describe("without certificates", () => {
  test("an address off loopback is refused, by name, among others that are fine", () => {
    const addresses = {
      "--listen": "127.0.0.1:0",
      "--advertise": "",
      "--nats": "nats://127.0.0.1:1, nats://head:4222",
    };
    expect(() => requirePrivate(addresses, false, false)).toThrow(/--nats nats:\/\/head:4222 leaves this machine/);
  });

  test("every address of the machine is off loopback", () => {
    for (const listen of ["0.0.0.0:7001", "[::]:7001", ":7001"]) {
      expect(() => requirePrivate({ "--listen": listen }, false, false)).toThrow("leaves this machine");
    }
  });

  test("--insecure says it aloud", () => {
    expect(() => requirePrivate({ "--listen": "0.0.0.0:7001" }, false, true)).not.toThrow();
  });
});

test("with certificates every address may be used", () => {
  expect(() => requirePrivate({ "--listen": "0.0.0.0:7001" }, true, false)).not.toThrow();
});

test.each([
  ["", "127.0.0.1:7001", "127.0.0.1:7001"],
  ["gpu1:9000", "0.0.0.0:7001", "gpu1:9000"],
  ["gpu1:0", "0.0.0.0:7001", "gpu1:7001"],
  ["[fd00::7]:0", "[::]:7001", "[fd00::7]:7001"],
])("who advertises %j and listens at %s is reached at %s", (advertise, listening, reached) => {
  expect(announced(advertise, listening)).toBe(reached);
});
