/**
 * Traces across gRPC, bulk lines and NATS. This module speaks to OpenTelemetry's API, which does nothing until `startTracing`
 * (shared/observe/otlp.ts) puts an SDK behind it: without --otlp no span is made and no header is sent.
 */
import * as grpc from "@grpc/grpc-js";
import {
  type Context,
  context,
  propagation,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
} from "@opentelemetry/api";
import { headers, type Msg, type MsgHdrs } from "nats";

let isOn = false;

/** Called by startTracing alone. */
export function setTracing(on: boolean): void {
  isOn = on;
}

function tracer() {
  return trace.getTracer("seedgrow");
}

/** `work` in a span of its own, a child of the current one. What it throws is noted and thrown on. */
export function inSpan<T>(
  name: string,
  attributes: Record<string, string | number>,
  work: () => Promise<T>,
  kind: SpanKind = SpanKind.INTERNAL,
): Promise<T> {
  if (!isOn) return work();
  const span = tracer().startSpan(name, { attributes, kind });
  return context.with(trace.setSpan(context.active(), span), work).then(
    (value) => {
      span.end();
      return value;
    },
    (thrown: unknown) => {
      endWith(span, String(thrown));
      throw thrown;
    },
  );
}

/** The current span as W3C has it, for requests that have a field for it; undefined when nobody traces. */
export function currentTraceparent(): string | undefined {
  if (!isOn) return undefined;
  const fields: Record<string, string> = {};
  propagation.inject(context.active(), fields);
  return fields.traceparent;
}

/** `work` in a span of whoever answers: a child of the asker's, where `traceparent` is one. */
export function inServerSpan<T>(name: string, traceparent: unknown, work: () => Promise<T>): Promise<T> {
  if (!isOn) return work();
  const fields = typeof traceparent === "string" ? { traceparent } : {};
  const parent = propagation.extract(ROOT_CONTEXT, fields);
  return context.with(parent, () => inSpan(name, {}, work, SpanKind.SERVER));
}

/** A span that other code ends; null when nobody traces. */
export function beginSpan(name: string, attributes: Record<string, string | number>, parent?: Context): Span | null {
  return isOn ? tracer().startSpan(name, { attributes }, parent ?? context.active()) : null;
}

/** `work`, whose spans and calls are children of `span`. */
export function within<T>(span: Span | null, work: () => T): T {
  return span ? context.with(trace.setSpan(context.active(), span), work) : work();
}

export function contextOf(span: Span): Context {
  return trace.setSpan(ROOT_CONTEXT, span);
}

function endWith(span: Span, problem: string): void {
  span.setStatus({ code: SpanStatusCode.ERROR, message: problem });
  span.end();
}

function rpcAttributes(path: string): Record<string, string> {
  const [, service = "", method = ""] = path.split("/");
  return { "rpc.system": "grpc", "rpc.service": service, "rpc.method": method };
}

function endCall(span: Span, { code, details }: { readonly code?: grpc.status; readonly details?: string }): void {
  span.setAttribute("rpc.grpc.status_code", code ?? grpc.status.OK);
  if (code === undefined || code === grpc.status.OK) span.end();
  else endWith(span, details ?? "");
}

/** Every outgoing call: a client span, whose context travels in the metadata. */
export const traceClient: grpc.Interceptor = (options, nextCall) => {
  if (!isOn) return new grpc.InterceptingCall(nextCall(options));
  const { path } = options.method_definition;
  const span = tracer().startSpan(path.slice(1), { kind: SpanKind.CLIENT, attributes: rpcAttributes(path) });
  const held = trace.setSpan(context.active(), span);
  return new grpc.InterceptingCall(nextCall(options), {
    start: (metadata, _listener, next) => {
      propagation.inject(held, metadata, { set: (carrier, key, value) => carrier.set(key, value) });
      next(metadata, {
        onReceiveStatus: (status, pass) => {
          endCall(span, status);
          pass(status);
        },
      });
    },
  });
};

/** Every incoming call: a server span, a child of the caller's; the handler runs within it. */
export const traceServer: grpc.ServerInterceptor = (method, call) => {
  if (!isOn) return new grpc.ServerInterceptingCall(call);
  let span: Span | null = null;
  let held: Context = ROOT_CONTEXT;
  return new grpc.ServerInterceptingCall(call, {
    start: (next) =>
      next({
        onReceiveMetadata: (metadata, pass) => {
          const getter = {
            get: (carrier: grpc.Metadata, key: string) => carrier.get(key).map(String),
            keys: (carrier: grpc.Metadata) => Object.keys(carrier.getMap()),
          };
          const parent = propagation.extract(ROOT_CONTEXT, metadata, getter);
          const options = { kind: SpanKind.SERVER, attributes: rpcAttributes(method.path) };
          span = tracer().startSpan(method.path.slice(1), options, parent);
          held = trace.setSpan(parent, span);
          pass(metadata);
        },
        onReceiveMessage: (message, pass) => context.with(held, () => pass(message)),
        onReceiveHalfClose: (pass) => context.with(held, pass),
      }),
    sendStatus: (status, next) => {
      if (span) endCall(span, status);
      next(status);
    },
  });
};

/** Headers of a message that is part of a trace; undefined outside of one. */
export function messageHeaders(subject: string): MsgHdrs | undefined {
  if (!isOn || !trace.getActiveSpan()) return undefined;
  const span = tracer().startSpan(`${subject} publish`, { kind: SpanKind.PRODUCER, attributes: messaging(subject) });
  const carrier = headers();
  propagation.inject(trace.setSpan(context.active(), span), carrier, { set: (to, key, value) => to.set(key, value) });
  span.end();
  return carrier;
}

/** Handles a message within the trace it came with. */
export function onMessage(message: Msg, handle: () => void): void {
  if (!isOn || !message.headers?.has("traceparent")) {
    handle();
    return;
  }
  const getter = {
    get: (from: MsgHdrs, key: string) => from.get(key) || undefined,
    keys: (from: MsgHdrs) => from.keys(),
  };
  const parent = propagation.extract(ROOT_CONTEXT, message.headers, getter);
  const options = { kind: SpanKind.CONSUMER, attributes: messaging(message.subject) };
  const span = tracer().startSpan(`${message.subject} process`, options, parent);
  context.with(trace.setSpan(parent, span), handle);
  span.end();
}

function messaging(subject: string): Record<string, string> {
  return { "messaging.system": "nats", "messaging.destination.name": subject };
}
