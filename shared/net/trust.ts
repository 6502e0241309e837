/**
 * A process's certificates: the private CA's, its own with its key, and the list of those revoked. Read from the folder
 * that `seedgrow certs add` wrote; what is wrong with them is said at once, in words, not by a failing handshake later.
 */
import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { AppError } from "../errors.js";
import { type CertificateNames, type Identity, identityOf, type Role } from "./identity.js";
import { openRevocations, type Revocations } from "./revocations.js";

/** Files of a node's folder. */
export const certFiles = { ca: "ca.crt", cert: "node.crt", key: "node.key", revoked: "ca.crl" } as const;

export interface Trust {
  readonly identity: Identity;
  /** PEM. */
  readonly ca: Buffer;
  readonly cert: Buffer;
  readonly key: Buffer;
  /** When our own certificate ends, milliseconds since 1970. */
  readonly notAfterMs: number;
  readonly revocations: Revocations;
}

export interface LoadTrustOptions {
  /** Roles that make sense for what this process is about to do. */
  readonly roles: readonly Role[];
  readonly nowMs: number;
}

/** The folder to use, absolute: as set, else as $SEEDGROW_CERTS says; "" is none. */
export function certsDir(set: string, env: Readonly<Record<string, string | undefined>>): string {
  const dir = set || env.SEEDGROW_CERTS || "";
  return dir && resolve(dir);
}

/** Null where no folder is given. @throws AppError as loadTrust does */
export async function trustIn(dir: string, roles: readonly Role[]): Promise<Trust | null> {
  return dir === "" ? null : loadTrust(dir, { roles, nowMs: Date.now() });
}

/** @throws AppError CERT_INVALID, CERT_UNKNOWN_CA, CERT_EXPIRED, CERT_NOT_YET_VALID, CERT_REVOKED, CERT_ROLE */
export async function loadTrust(dir: string, options: LoadTrustOptions): Promise<Trust> {
  const [ca, cert, key] = await Promise.all([certFiles.ca, certFiles.cert, certFiles.key].map((f) => readPart(dir, f)));
  await requireSecret(join(dir, certFiles.key));
  const authority = parsed(join(dir, certFiles.ca), () => new X509Certificate(ca!));
  const own = parsed(join(dir, certFiles.cert), () => new X509Certificate(cert!));
  const secret = parsed(join(dir, certFiles.key), () => createPrivateKey(key!));
  if (!own.checkPrivateKey(secret)) {
    throw new AppError("CERT_INVALID", `${join(dir, certFiles.key)} is not the key of the certificate beside it`);
  }
  if (!own.verify(authority.publicKey)) {
    throw new AppError("CERT_UNKNOWN_CA", `${join(dir, certFiles.cert)} was not issued by the CA beside it`);
  }
  const identity = identityOf(own.toLegacyObject() as unknown as CertificateNames);
  if (!identity) throw new AppError("CERT_INVALID", `${join(dir, certFiles.cert)} names no role of seedgrow`);
  requireCurrent(own, `the certificate of ${identity.name} (${join(dir, certFiles.cert)})`, options.nowMs);
  if (!options.roles.includes(identity.role)) throw wrongRole(identity, options.roles);
  const revocations = await openRevocations(join(dir, certFiles.revoked), ca!);
  if (revocations.has(identity.serial)) throw revoked(identity);
  return { identity, ca: ca!, cert: cert!, key: key!, notAfterMs: Date.parse(own.validTo), revocations };
}

/** Null: a peer that may do what `allowed` may. */
export function problemWith(trust: Trust, peer: CertificateNames, allowed: readonly Role[]): AppError | null {
  const identity = identityOf(peer);
  if (!identity) return new AppError("CERT_INVALID", "the other side's certificate names no role of seedgrow");
  if (trust.revocations.has(identity.serial)) return revoked(identity);
  return allowed.includes(identity.role) ? null : wrongRole(identity, allowed);
}

function wrongRole({ name, role }: Identity, allowed: readonly Role[]): AppError {
  return new AppError(
    "CERT_ROLE",
    `${name} has the certificate of a ${role}; this takes that of a ${allowed.join(" or ")}`,
  );
}

function revoked({ name, serial }: Identity): AppError {
  return new AppError("CERT_REVOKED", `the certificate of ${name} (serial ${serial}) has been revoked`);
}

function requireCurrent({ validFrom, validTo }: X509Certificate, what: string, nowMs: number): void {
  const now = new Date(nowMs).toISOString();
  if (nowMs > Date.parse(validTo)) {
    throw new AppError("CERT_EXPIRED", `${what} ended at ${new Date(validTo).toISOString()}; it is ${now} here`);
  }
  if (nowMs < Date.parse(validFrom)) {
    throw new AppError(
      "CERT_NOT_YET_VALID",
      `${what} begins at ${new Date(validFrom).toISOString()}; it is ${now} here`,
    );
  }
}

async function readPart(dir: string, name: string): Promise<Buffer> {
  return readFile(join(dir, name)).catch((cause: unknown) => {
    throw new AppError("CERT_INVALID", `cannot read ${join(dir, name)}`, { cause });
  });
}

function parsed<T>(path: string, parse: () => T): T {
  try {
    return parse();
  } catch (cause) {
    throw new AppError("CERT_INVALID", `${path} is damaged: ${String(cause)}`, { cause });
  }
}

/** A key that others on this machine can read is no secret: as ssh does, it is not used. */
async function requireSecret(path: string): Promise<void> {
  const { mode } = await stat(path);
  if (process.platform === "win32" || (mode & 0o077) === 0) return;
  throw new AppError("CERT_INVALID", `${path} can be read by others (mode ${(mode & 0o777).toString(8)})`, {
    hint: `chmod 600 ${path}; if others have an account here, revoke it and issue a new one.`,
  });
}
