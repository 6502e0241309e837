/** A machine's folder of certificates, looked at before anything is sent: what it would refuse later is said now. */
import { X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import { isIP } from "node:net";
import { join } from "node:path";
import { AppError } from "../../shared/errors.js";
import { certFiles, loadTrust } from "../../shared/net/trust.js";
import { nodeDir } from "../certs/authority.js";
import { isThere } from "../certs/files.js";
import type { HostSpec } from "./hosts-file.js";
import { isCaller } from "./plan.js";

/** Content by file name. */
export type NodeFiles = Readonly<Record<string, Buffer>>;

/** By the name of the machine. @throws AppError CERT_... with the commands that mend it for all machines. */
export async function readCertificates(
  caDir: string,
  hosts: readonly HostSpec[],
  sets: readonly string[],
): Promise<Map<string, NodeFiles>> {
  const missing: HostSpec[] = [];
  for (const host of hosts) if (!(await isThere(join(nodeDir(caDir, host.name), certFiles.key)))) missing.push(host);
  if (missing.length > 0) {
    throw new AppError("CERT_MISSING", `there is no certificate for ${missing.map(({ name }) => name).join(", ")}`, {
      hint: missing.map((host) => `seedgrow certs add ${host.name} --role worker${sanOf(host)}`).join("\n        "),
    });
  }
  const read = await Promise.all(
    hosts.map(async (host) => [host.name, await readOne(caDir, host, isCaller(host, sets))] as const),
  );
  return new Map(read);
}

async function readOne(caDir: string, host: HostSpec, isCaller: boolean): Promise<NodeFiles> {
  const dir = nodeDir(caDir, host.name);
  const trust = await loadTrust(dir, { roles: ["worker", "coordinator"], nowMs: Date.now() });
  trust.revocations.close();
  const own = new X509Certificate(trust.cert);
  const isNamed = isIP(host.address) ? own.checkIP(host.address) : own.checkHost(host.address);
  if (isNamed === undefined && !isCaller) {
    throw new AppError("CERT_WRONG_NAME", `the certificate of ${host.name} is not for ${host.address}`, {
      hint: `seedgrow certs renew ${host.name}${sanOf(host)}`,
    });
  }
  const files = Object.values(certFiles).map(async (name) => [name, await readFile(join(dir, name))] as const);
  return Object.fromEntries(await Promise.all(files));
}

function sanOf({ name, address }: HostSpec): string {
  return name === address ? "" : ` --san ${address}`;
}
