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

async function readBody(request: IncomingMessage, bytesMax: number): Promise<Buffer> {
  const tooLarge = new HttpError(
    413,
    "BODY_TOO_LARGE",
    `the photo has more than ${Math.floor(bytesMax / 2 ** 20)} MiB`,
    "Send it smaller, or start the server with a higher --body-mb.",
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
