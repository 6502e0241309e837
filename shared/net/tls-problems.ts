/**
 * What goes wrong with TLS, in words: node says it in codes of OpenSSL, gRPC and nats.js in texts around them. The order
 * matters: the first that fits is the most exact. Pure.
 */
import { AppError, type ErrorCode, errorCodes } from "../errors.js";

interface Rule {
  readonly pattern: RegExp;
  readonly code: ErrorCode;
  readonly text: string;
}

const rules: readonly Rule[] = [
  // An alert is what the other side says about us.
  { pattern: /alert certificate required/i, code: "CERT_MISSING", text: "the other side demands a certificate" },
  {
    pattern: /alert certificate expired/i,
    code: "CERT_EXPIRED",
    text: "the other side says that our certificate has expired: it has, or one of the clocks is wrong",
  },
  { pattern: /alert certificate revoked/i, code: "CERT_REVOKED", text: "the other side says that it was revoked" },
  {
    pattern: /alert (unknown ca|bad certificate|certificate unknown|unsupported certificate)/i,
    code: "CERT_UNKNOWN_CA",
    text: "the other side does not accept our certificate: it is of another CA, or not current there",
  },
  { pattern: /CERT_HAS_EXPIRED|certificate has expired/i, code: "CERT_EXPIRED", text: "its certificate has expired" },
  {
    pattern: /CERT_NOT_YET_VALID|certificate is not yet valid/i,
    code: "CERT_NOT_YET_VALID",
    text: "its certificate is not valid yet: the clock here, or the one where it was made, is wrong",
  },
  {
    pattern: /ERR_TLS_CERT_ALTNAME_INVALID|does not match certificate's altnames/i,
    code: "CERT_WRONG_NAME",
    text: "its certificate is for another name",
  },
  {
    pattern:
      /UNABLE_TO_(VERIFY_LEAF|GET_ISSUER)|SELF_SIGNED_CERT|unable to verify the first certificate|self-signed certificate|unable to get (local )?issuer|certificate signature failure/i,
    code: "CERT_UNKNOWN_CA",
    text: "its certificate is of a CA that is unknown here",
  },
  {
    pattern: /wrong version number|packet length too long|ssl3_get_record|http\/1\.1|ERR_SSL_NO_PROTOCOLS/i,
    code: "PEER_PLAINTEXT",
    text: "it does not speak TLS, and this side does",
  },
];

/** Null: no problem of TLS. */
export function tlsProblem(thrown: unknown): AppError | null {
  const said = textOf(thrown);
  const own = /\[((?:CERT|PEER)_[A-Z_]+)\] (.*?)(?:\. Resolution note:.*)?$/s.exec(said);
  if (own && own[1]! in errorCodes) return new AppError(own[1] as ErrorCode, own[2]!, { cause: thrown });
  const rule = rules.find(({ pattern }) => pattern.test(said));
  return rule ? new AppError(rule.code, `${rule.text} (${firstLine(said)})`, { cause: thrown }) : null;
}

/** Whether it is about who may take part, not about the work: no other worker is to blame, and a retry mends nothing. */
export function isTrustProblem(code: ErrorCode): boolean {
  return code.startsWith("CERT_") || code === "PEER_PLAINTEXT" || code === "INSECURE_ADDRESS";
}

/** Codes and messages of the error and of what caused it. */
function textOf(thrown: unknown): string {
  const texts: string[] = [];
  for (let at: unknown = thrown, depth = 0; at instanceof Error && depth < 4; depth++) {
    const { code, details, cause, chainedError } = at as Error & Record<string, unknown>;
    texts.push(typeof code === "string" ? `${code} ${at.message}` : at.message);
    if (typeof details === "string" && details !== "" && !at.message.includes(details)) texts.push(details);
    at = cause ?? chainedError;
  }
  return texts.length === 0 ? String(thrown) : texts.join("; ");
}

function firstLine(text: string): string {
  return text.split("\n")[0]!.slice(0, 300);
}
