import { tmpdir } from "node:os";
import { describe, expect, test } from "vitest";
import { seedgrow } from "./program.js";

interface Report {
  readonly ok: boolean;
  readonly checks: readonly { readonly name: string; readonly verdict: string; readonly advice: string | null }[];
}

describe("doctor --json", () => {
  test("finds this machine fit: its engine loads, its broker starts", async () => {
    const { code, stdout } = await seedgrow(["doctor", "--json", "--runs", tmpdir()]);
    const report = JSON.parse(stdout) as Report;
    expect(report.checks.filter(({ verdict }) => verdict === "fail")).toEqual([]);
    expect([code, report.ok]).toEqual([0, true]);
    const names = ["node", "engine", "gpu", "broker", "ports", "disk: runs", "disk: cache", "memory", "clock"];
    expect(report.checks.map(({ name }) => name)).toEqual(expect.arrayContaining(names));
  });

  test("ends with 4 and what to do when something is missing", async () => {
    const { code, stdout } = await seedgrow(["doctor", "--json"], { SEEDGROW_NATS_SERVER: "/no/such/program" });
    const report = JSON.parse(stdout) as Report;
    expect([code, report.ok]).toEqual([4, false]);
    const broker = report.checks.find(({ name }) => name === "broker");
    expect(broker).toMatchObject({ verdict: "fail", advice: expect.stringContaining("setup.sh") });
  });
});
