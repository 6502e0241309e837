/**
 * Photos in S3-compatible storage: `s3://BUCKET/PREFIX`. Whose storage, and who we are there, is what the AWS tools are
 * told by: AWS_ENDPOINT_URL, AWS_REGION, AWS_ACCESS_KEY_ID, ~/.aws, roles of the machine.
 */
import type { Readable } from "node:stream";
import type { S3Client } from "@aws-sdk/client-s3";
import { AppError } from "../errors.js";

export interface S3Place {
  readonly bucket: string;
  /** Without slashes at its ends; "": the whole bucket. */
  readonly prefix: string;
}

export interface S3Object {
  /** Below the prefix, with slashes. */
  readonly path: string;
  /** Changes with the content. */
  readonly etag: string;
  readonly bytes: number;
}

export function isS3(path: string): boolean {
  return path.startsWith("s3://");
}

/** @throws AppError USAGE */
export function parseS3(url: string): S3Place {
  const found = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/+(.*?))?\/*$/.exec(url);
  if (!found)
    throw new AppError("USAGE", `"${url}" is no s3://BUCKET/PREFIX (a bucket has 3 to 63 of a-z, 0-9, . and -)`);
  return { bucket: found[1]!, prefix: found[2] ?? "" };
}

/** One folder of a bucket. The client is loaded when it is first needed. */
export class S3Folder {
  private client: Promise<S3Client> | null = null;
  readonly place: S3Place;

  constructor(
    readonly url: string,
    private readonly env: Readonly<Record<string, string | undefined>> = process.env,
  ) {
    this.place = parseS3(url);
  }

  /** Where the storage is, for people and for folder names. */
  get endpoint(): string {
    return this.env.AWS_ENDPOINT_URL_S3 || this.env.AWS_ENDPOINT_URL || "aws";
  }

  /** Every object below the prefix, in the order of their names. @throws AppError */
  async *list(signal?: AbortSignal): AsyncGenerator<S3Object> {
    const { bucket, prefix } = this.place;
    const { paginateListObjectsV2 } = await import("@aws-sdk/client-s3");
    const begin = prefix === "" ? "" : `${prefix}/`;
    try {
      const pages = paginateListObjectsV2(
        { client: await this.open() },
        { Bucket: bucket, Prefix: begin },
        sending(signal),
      );
      for await (const { Contents = [] } of pages) {
        for (const { Key = "", ETag = "", Size = 0 } of Contents) {
          // Consoles make empty objects to stand for folders.
          if (!Key.endsWith("/")) yield { path: Key.slice(begin.length), etag: ETag, bytes: Size };
        }
      }
    } catch (error) {
      throw this.problem(error, signal);
    }
  }

  /** The content of one object. @throws AppError */
  async read(path: string, signal?: AbortSignal): Promise<Readable> {
    const { bucket, prefix } = this.place;
    const { GetObjectCommand } = await import("@aws-sdk/client-s3");
    const key = prefix === "" ? path : `${prefix}/${path}`;
    try {
      const client = await this.open();
      const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key }), sending(signal));
      return Body as Readable;
    } catch (error) {
      throw this.problem(error, signal);
    }
  }

  async close(): Promise<void> {
    (await this.client)?.destroy();
  }

  private open(): Promise<S3Client> {
    this.client ??= Promise.all([import("@aws-sdk/client-s3"), import("../net/proxy.js")]).then(
      ([{ S3Client }, net]) => {
        // Which Node runs is told by package.json, not by eight lines in the middle of a progress bar.
        process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= "true";
        // Servers of one's own have no host name per bucket.
        const own = this.endpoint === "aws" ? {} : { endpoint: this.endpoint, forcePathStyle: true };
        const region = this.env.AWS_REGION || this.env.AWS_DEFAULT_REGION || "us-east-1";
        const host = this.endpoint === "aws" ? `https://s3.${region}.amazonaws.com` : this.endpoint;
        return new S3Client({ region, requestHandler: net.agentsFor(host), ...own });
      },
    );
    return this.client;
  }

  private problem(thrown: unknown, signal: AbortSignal | undefined): AppError {
    if (thrown instanceof AppError) return thrown;
    const error = thrown as Error & { $metadata?: { httpStatusCode?: number } };
    const what = `${this.url} (${this.endpoint === "aws" ? "AWS" : this.endpoint})`;
    if (signal?.aborted) return new AppError("INTERRUPTED", `stopped reading ${what}`, { cause: error });
    const status = error.$metadata?.httpStatusCode;
    if (error.name === "CredentialsProviderError" || status === 401 || status === 403) {
      return new AppError("STORAGE_REFUSED", `${what} does not let us in: ${error.name}: ${error.message}`, {
        cause: error,
      });
    }
    if (status === 404)
      return new AppError("DATA_NOT_FOUND", `${what}: ${error.name}: ${error.message}`, { cause: error });
    return new AppError("DOWNLOAD_FAILED", `cannot read ${what}: ${error.message || error.name}`, { cause: error });
  }
}

function sending(signal: AbortSignal | undefined): { abortSignal?: AbortSignal } {
  return signal ? { abortSignal: signal } : {};
}
