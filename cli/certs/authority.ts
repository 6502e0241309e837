/**
 * A private certificate authority in a folder: ca.crt, ca.key, ca.crl, every certificate it has issued (issued/SERIAL.crt)
 * and a folder for every node, which is what is copied to its machine (nodes/NAME). There is no index: the certificates
 * say who they are for, the CRL says which are revoked.
 */
import { randomBytes, webcrypto } from "node:crypto";
import { mkdir, readdir, readFile, stat } from "node:fs/promises";
import { isIP } from "node:net";
import { join } from "node:path";
import { AppError } from "../../shared/errors.js";
import { normalSerial, type Role, roles, uriOfRole, uriOfSerial } from "../../shared/net/identity.js";
import { certFiles } from "../../shared/net/trust.js";
import type { X509Certificate } from "../../shared/net/x509.js";
import { isThere, writeSecret } from "./files.js";

export interface Issued {
  readonly name: string;
  readonly role: Role;
  readonly serial: string;
  /** DNS names and IP addresses. */
  readonly sans: readonly string[];
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly revokedAt: Date | null;
}

export interface IssueOptions {
  readonly name: string;
  readonly role: Role;
  readonly sans: readonly string[];
  readonly days: number;
  readonly nowMs: number;
}

const signing = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
const dayMs = 24 * 3600 * 1000;
/** Clocks of machines that were never set may differ by this much. */
const backdatedMs = 5 * 60_000;

export function nodeDir(dir: string, name: string): string {
  return join(dir, "nodes", name);
}

/** @throws AppError USAGE when there is one already. */
export async function createAuthority(dir: string, days: number, nowMs: number): Promise<void> {
  if (await isThere(join(dir, "ca.key"))) {
    throw new AppError("USAGE", `${dir} has a CA already`, {
      hint: "`seedgrow certs add` issues with it. A new CA would make every certificate of the old one useless.",
    });
  }
  const x509 = await import("../../shared/net/x509.js");
  const keys = await webcrypto.subtle.generateKey(signing, true, ["sign", "verify"]);
  const serialNumber = newSerial();
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber,
    name: `CN=seedgrow CA ${serialNumber.slice(0, 8)}`,
    notBefore: new Date(nowMs - backdatedMs),
    notAfter: new Date(nowMs + days * dayMs),
    keys,
    signingAlgorithm: signing,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  await mkdir(join(dir, "issued"), { recursive: true, mode: 0o700 });
  await writeSecret(join(dir, "ca.crt"), certificate.toString("pem"));
  await writeCrl(dir, [], nowMs, keys.privateKey);
  // Last: a folder with a key is a CA.
  await writeSecret(join(dir, "ca.key"), await keyPem(keys.privateKey));
}

/** Issues a certificate and writes the node's folder. The key is made anew every time. */
export async function issue(dir: string, options: IssueOptions): Promise<Issued> {
  const { name, role, sans, days, nowMs } = options;
  const x509 = await import("../../shared/net/x509.js");
  const ca = await readAuthority(dir);
  const keys = await webcrypto.subtle.generateKey(signing, true, ["sign", "verify"]);
  const serial = newSerial();
  const uses = [x509.ExtendedKeyUsage.clientAuth];
  if (role !== "viewer") uses.push(x509.ExtendedKeyUsage.serverAuth);
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serial,
    subject: `CN=${name},OU=${role}`,
    issuer: ca.certificate.subject,
    notBefore: new Date(nowMs - backdatedMs),
    notAfter: new Date(Math.min(nowMs + days * dayMs, ca.certificate.notAfter.getTime())),
    publicKey: keys.publicKey,
    signingKey: ca.key,
    signingAlgorithm: signing,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension(uses),
      await x509.AuthorityKeyIdentifierExtension.create(ca.certificate),
      new x509.SubjectAlternativeNameExtension([
        // nats-server takes the first that is a user of its own.
        { type: "url", value: uriOfSerial(serial) },
        { type: "url", value: uriOfRole(role) },
        ...sans.map((value) => ({ type: isIP(value) ? ("ip" as const) : ("dns" as const), value })),
      ]),
    ],
  });
  const pem = certificate.toString("pem");
  // Known to the CA before anybody can use it: what is not listed cannot be revoked by name.
  await writeSecret(join(dir, "issued", `${serial}.crt`), pem);
  const node = nodeDir(dir, name);
  await mkdir(node, { recursive: true, mode: 0o700 });
  await writeSecret(join(node, certFiles.key), await keyPem(keys.privateKey));
  await writeSecret(join(node, certFiles.cert), pem);
  await writeSecret(join(node, certFiles.ca), await readFile(join(dir, "ca.crt")));
  await writeSecret(join(node, certFiles.revoked), await readFile(join(dir, "ca.crl")));
  return describe(certificate, new Map());
}

/** By name, then by age. @throws AppError CERT_INVALID when there is no CA. */
export async function listIssued(dir: string): Promise<Issued[]> {
  const x509 = await import("../../shared/net/x509.js");
  await readAuthority(dir);
  const revoked = await readCrl(dir);
  const files = (await readdir(join(dir, "issued"))).filter((file) => file.endsWith(".crt"));
  const read = files.map(async (file) => {
    const path = join(dir, "issued", file);
    const issued = describe(new x509.X509Certificate(await readFile(path, "utf8")), revoked);
    // A certificate's times have whole seconds, and a renewal may come within one.
    return { issued, writtenMs: (await stat(path)).mtimeMs };
  });
  const all = (await Promise.all(read)).sort(
    (a, b) =>
      a.issued.name.localeCompare(b.issued.name) ||
      a.issued.notBefore.getTime() - b.issued.notBefore.getTime() ||
      a.writtenMs - b.writtenMs,
  );
  return all.map(({ issued }) => issued);
}

/** Adds these serial numbers to the CRL; those that are on it stay. */
export async function revoke(dir: string, serials: readonly string[], nowMs: number): Promise<void> {
  const ca = await readAuthority(dir);
  const revoked = await readCrl(dir);
  for (const serial of serials) if (!revoked.has(serial)) revoked.set(serial, new Date(nowMs));
  await writeCrl(dir, [...revoked], nowMs, ca.key);
}

async function writeCrl(
  dir: string,
  entries: readonly (readonly [string, Date])[],
  nowMs: number,
  signingKey: webcrypto.CryptoKey,
): Promise<void> {
  const x509 = await import("../../shared/net/x509.js");
  const { subject, notAfter } = new x509.X509Certificate(await readFile(join(dir, "ca.crt"), "utf8"));
  const list = await x509.X509CrlGenerator.create({
    issuer: subject,
    thisUpdate: new Date(nowMs),
    // Sent out when it changes, not by the calendar: an old list is better than none.
    nextUpdate: notAfter,
    signingAlgorithm: signing,
    signingKey,
    entries: entries.map(([serialNumber, revocationDate]) => ({ serialNumber, revocationDate })),
  });
  await writeSecret(join(dir, "ca.crl"), list.toString("pem"));
}

async function readCrl(dir: string): Promise<Map<string, Date>> {
  const x509 = await import("../../shared/net/x509.js");
  const list = new x509.X509Crl(await readFile(join(dir, "ca.crl"), "utf8"));
  return new Map(list.entries.map(({ serialNumber, revocationDate }) => [normalSerial(serialNumber), revocationDate]));
}

async function readAuthority(dir: string) {
  const x509 = await import("../../shared/net/x509.js");
  try {
    const certificate = new x509.X509Certificate(await readFile(join(dir, "ca.crt"), "utf8"));
    const der = x509.PemConverter.decodeFirst(await readFile(join(dir, "ca.key"), "utf8"));
    return { certificate, key: await webcrypto.subtle.importKey("pkcs8", der, signing, false, ["sign"]) };
  } catch (cause) {
    throw new AppError("CERT_INVALID", `there is no usable CA in ${dir}`, {
      hint: "`seedgrow certs init` makes one; --dir says where it is.",
      cause,
    });
  }
}

function describe(certificate: X509Certificate, revoked: ReadonlyMap<string, Date>): Issued {
  const serial = normalSerial(certificate.serialNumber);
  const names = certificate.extensions.flatMap((extension) => ("names" in extension ? [extension.names] : []));
  const all = (names as { items: readonly { type: string; value: string }[] }[]).flatMap(({ items }) => items);
  const role = roles.find((one) => all.some(({ type, value }) => type === "url" && value === uriOfRole(one)));
  return {
    name: certificate.subjectName.getField("CN")[0] ?? "",
    role: role ?? "viewer",
    serial,
    sans: all.filter(({ type }) => type === "dns" || type === "ip").map(({ value }) => value),
    notBefore: certificate.notBefore,
    notAfter: certificate.notAfter,
    revokedAt: revoked.get(serial) ?? null,
  };
}

async function keyPem(key: webcrypto.CryptoKey): Promise<string> {
  const { PemConverter } = await import("../../shared/net/x509.js");
  return PemConverter.encode(await webcrypto.subtle.exportKey("pkcs8", key), "PRIVATE KEY");
}

/** 16 bytes whose first is neither 0 nor negative: hex without leading zeros, as everybody writes it. */
function newSerial(): string {
  const bytes = randomBytes(16);
  bytes[0] = (bytes[0]! & 0x3f) | 0x40;
  return bytes.toString("hex");
}
