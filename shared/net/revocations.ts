/** The CA's list of revoked certificates (a CRL), read again whenever its file changes. */
import { unwatchFile, watchFile } from "node:fs";
import { readFile } from "node:fs/promises";
import { AppError } from "../errors.js";
import { normalSerial } from "./identity.js";

export interface Revocations {
  has(serial: string): boolean;
  close(): void;
}

/** How often the file is looked at, milliseconds. */
const lookMs = 1_000;

/** No file: nothing is revoked. @throws AppError CERT_INVALID when it is damaged, or of another CA. */
export async function openRevocations(path: string, caPem: Buffer): Promise<Revocations> {
  let serials = (await readSerials(path, caPem)) ?? new Set();
  const onChange = () => {
    // Gone, half-written or damaged: the list as it was, until the file is whole.
    void readSerials(path, caPem).then(
      (read) => {
        serials = read ?? serials;
      },
      () => undefined,
    );
  };
  watchFile(path, { interval: lookMs, persistent: false }, onChange);
  return { has: (serial) => serials.has(serial), close: () => unwatchFile(path, onChange) };
}

async function readSerials(path: string, caPem: Buffer): Promise<ReadonlySet<string> | null> {
  const pem = await readFile(path, "utf8").catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === "ENOENT") return null;
    throw new AppError("CERT_INVALID", `cannot read ${path}`, { cause });
  });
  if (pem === null) return null;
  try {
    const { X509Certificate, X509Crl } = await import("./x509.js");
    const list = new X509Crl(pem);
    const isOurs = await list.verify({ publicKey: new X509Certificate(caPem.toString()).publicKey });
    if (!isOurs) throw new Error("it was signed by another CA");
    return new Set(list.entries.map(({ serialNumber }) => normalSerial(serialNumber)));
  } catch (cause) {
    throw new AppError("CERT_INVALID", `${path} is no list of this CA: ${String(cause)}`, { cause });
  }
}
