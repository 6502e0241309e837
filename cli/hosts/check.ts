/** `seedgrow doctor --hosts`: every machine of a list, before anything is put there. */
import { type AppError, exitCodes } from "../../shared/errors.js";
import { type Finding, fail } from "../doctor/finding.js";
import { onEach, probeHost } from "./fleet.js";
import type { HostSpec } from "./hosts-file.js";
import { judgeHost } from "./probe.js";
import type { SshOptions } from "./ssh.js";

export interface CheckedHost {
  readonly name: string;
  readonly code: number;
  readonly findings: readonly Finding[];
}

/** @param nats the cluster's servers, to be reached from every machine; empty: not asked. */
export async function checkAll(hosts: readonly HostSpec[], nats: string, ssh: SshOptions): Promise<CheckedHost[]> {
  const findings = new Map<string, Finding[]>();
  const results = await onEach(hosts, ssh.signal, async (host) => {
    const { probe, skewMs } = await probeHost(host, "none", nats, ssh);
    const found = judgeHost(host, probe, skewMs);
    findings.set(host.name, [
      { name: "ssh", verdict: "ok", value: `${host.login}, ${probe.arch}`, advice: null },
      ...found,
    ]);
    return { code: found.some(({ verdict }) => verdict === "fail") ? exitCodes.environment : 0, slots: [] };
  });
  return results.map(({ name, code, error }) => ({
    ...{ name, code },
    findings: error ? [unreachable(error)] : findings.get(name)!,
  }));
}

function unreachable(error: AppError): Finding {
  return { name: "ssh", ...fail(error.message, error.hint) };
}
