/** The bytes that a request carries: as they are, or as the file of a form. Never more than the limit in memory. */
import type { IncomingMessage } from "node:http";
import { HttpError } from "./http.js";

/** @throws HttpError BODY_TOO_LARGE | BODY_EMPTY | FORM_INVALID */
export async function readUpload(request: IncomingMessage, bytesMax: number): Promise<Uint8Array> {
  const body = await readBody(request, bytesMax);
  const type = request.headers["content-type"] ?? "";
  const file = type.startsWith("multipart/form-data") ? await fileOfForm(body, type) : body;
  if (file.length > 0) return file;
  throw new HttpError(
    400,
    "BODY_EMPTY",
    "the request carries no photo",
    "Send the photo's bytes, or a form with a file.",
  );
}

/**
 * A JSON body. Its content type makes a page of another origin ask first (CORS), and it is never told yes.
 * @throws HttpError BODY_NOT_JSON | BODY_TOO_LARGE
 */
export async function readJsonBody(request: IncomingMessage, bytesMax: number): Promise<unknown> {
  const notJson = new HttpError(415, "BODY_NOT_JSON", "the request is no JSON", "Send Content-Type: application/json.");
  if (!/^application\/json\b/.test(request.headers["content-type"] ?? "")) throw notJson;
  try {
    return JSON.parse((await readBody(request, bytesMax)).toString("utf8"));
  } catch (error) {
    throw error instanceof HttpError ? error : notJson;
  }
}

async function readBody(request: IncomingMessage, bytesMax: number): Promise<Buffer> {
  const tooLarge = new HttpError(
    413,
    "BODY_TOO_LARGE",
    `the request has more than ${Math.floor(bytesMax / 2 ** 20)} MiB`,
    "Send it smaller; for photos, --body-mb raises the limit.",
  );
  if (Number(request.headers["content-length"] ?? 0) > bytesMax) throw tooLarge;
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > bytesMax) throw tooLarge;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

async function fileOfForm(body: Buffer, type: string): Promise<Uint8Array> {
  const form = await new Response(new Uint8Array(body), { headers: { "content-type": type } })
    .formData()
    .catch(() => null);
  if (form === null) throw new HttpError(400, "FORM_INVALID", "the form's parts cannot be read");
  for (const [, value] of form) if (typeof value !== "string") return new Uint8Array(await value.arrayBuffer());
  throw new HttpError(400, "FORM_INVALID", "the form carries no file", "Send the photo as a file field, of any name.");
}
