import { expect, test } from "vitest";
import { AppError } from "../errors.js";
import { tlsProblem } from "./tls-problems.js";

/** What node 20 (OpenSSL 3), grpc-js and nats.js say, as it was seen. */
test.each([
  ["Error: certificate has expired", "CERT_EXPIRED"],
  ["No connection established. Last error: Error: certificate is not yet valid", "CERT_NOT_YET_VALID"],
  [
    "Hostname/IP does not match certificate's altnames: Host: gpu2. is not in the cert's altnames: DNS:gpu1",
    "CERT_WRONG_NAME",
  ],
  ["unable to verify the first certificate", "CERT_UNKNOWN_CA"],
  ["self-signed certificate in certificate chain", "CERT_UNKNOWN_CA"],
  ["error:0A000418:SSL routines:ssl3_read_bytes:tlsv1 alert unknown ca:ssl alert number 48", "CERT_UNKNOWN_CA"],
  ["error:0A00045C:SSL routines:ssl3_read_bytes:tlsv13 alert certificate required:...", "CERT_MISSING"],
  ["error:0A000415:SSL routines:ssl3_read_bytes:sslv3 alert certificate expired:...", "CERT_EXPIRED"],
  ["error:0A000412:SSL routines:ssl3_read_bytes:sslv3 alert bad certificate:...", "CERT_UNKNOWN_CA"],
  ["error:0A00010B:SSL routines:ssl3_get_record:wrong version number:...", "PEER_PLAINTEXT"],
  ["Last error: Error: [CERT_REVOKED] the certificate of gpu1 has been revoked. Resolution note: ", "CERT_REVOKED"],
])("%s is %s", (text, code) => {
  expect(tlsProblem(new Error(text))).toMatchObject({ code });
});

test("the code of node's error counts, and what caused it", () => {
  const inner = Object.assign(new Error("x"), { code: "CERT_HAS_EXPIRED" });
  expect(tlsProblem(new Error("connecting", { cause: inner }))).toMatchObject({ code: "CERT_EXPIRED" });
});

test.each(["read ECONNRESET", "connect ECONNREFUSED 127.0.0.1:1", "[NOT_A_CODE] x"])(
  "%s is no problem of TLS",
  (text) => {
    expect(tlsProblem(new Error(text))).toBeNull();
  },
);

test("the sentence of one that was written here is kept", () => {
  const said = new AppError("CERT_ROLE", "gpu1 has the certificate of a worker");
  const crossed = new Error(`Last error: Error: [${said.code}] ${said.message}. Resolution note: `);
  expect(tlsProblem(crossed)?.message).toBe(said.message);
});
