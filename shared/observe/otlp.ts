/** Sends traces to a collector by OTLP over HTTP. Loaded on use: the SDK is of no use to anybody who has no collector. */
import { AppError } from "../errors.js";
import { seedgrowVersion } from "../version.js";
import { setTracing } from "./tracing.js";

/** The collector answers within this at the end, or the last spans are lost, milliseconds. */
const closeTimeoutMs = 3_000;

/**
 * @param url Of the collector: http://127.0.0.1:4318; /v1/traces is added where no path is given.
 * @returns what sends the rest and stops.
 */
export async function startTracing(url: string, service: string): Promise<() => Promise<void>> {
  const address = addressOf(url);
  const { NodeTracerProvider, BatchSpanProcessor } = await import("@opentelemetry/sdk-trace-node");
  const { OTLPTraceExporter } = await import("@opentelemetry/exporter-trace-otlp-http");
  const { resourceFromAttributes } = await import("@opentelemetry/resources");
  const resource = resourceFromAttributes({
    "service.name": service,
    "service.version": seedgrowVersion,
    "service.instance.id": String(process.pid),
  });
  const exporter = new OTLPTraceExporter({ url: address });
  const provider = new NodeTracerProvider({ resource, spanProcessors: [new BatchSpanProcessor(exporter)] });
  // Also the context that follows promises and timers, and W3C's traceparent header.
  provider.register();
  setTracing(true);
  return async () => {
    setTracing(false);
    const timeout = new Promise<void>((resolve) => setTimeout(resolve, closeTimeoutMs).unref());
    // A collector that is away is no reason to fail, nor to wait.
    await Promise.race([provider.shutdown().catch(() => undefined), timeout]);
  };
}

function addressOf(url: string): string {
  try {
    const parsed = new URL(url);
    if (!/^https?:$/.test(parsed.protocol)) throw new TypeError(parsed.protocol);
    return parsed.pathname === "/" ? new URL("/v1/traces", parsed).href : parsed.href;
  } catch (cause) {
    const hint = "Give the collector's HTTP address: --otlp http://127.0.0.1:4318.";
    throw new AppError("USAGE", `--otlp ${url} is no http(s) address`, { hint, cause });
  }
}
