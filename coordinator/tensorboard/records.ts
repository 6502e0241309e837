/**
 * TensorBoard's event files: a TFRecord per tensorflow.Event. Framing as in TensorFlow's record_writer.cc (length, masked
 * CRC-32C of it, bytes, masked CRC-32C of them; little-endian), fields as in event.proto and summary.proto.
 */
import crc32c from "crc-32/crc32c.js";
import protobuf from "protobufjs";

const { Field, Root, Type } = protobuf;
const value = new Type("Value").add(new Field("tag", 1, "string")).add(new Field("simpleValue", 2, "float"));
const summary = new Type("Summary").add(new Field("value", 1, "Value", "repeated")).add(value);
const event = new Type("Event")
  .add(new Field("wallTime", 1, "double"))
  .add(new Field("step", 2, "int64"))
  .add(new Field("fileVersion", 3, "string"))
  .add(new Field("summary", 5, "Summary"))
  .add(summary);
new Root().add(event);

export interface ScalarEvent {
  /** Seconds since 1970. */
  readonly wallTime: number;
  readonly step: number;
  readonly scalars: Readonly<Record<string, number>>;
}

/** What a file must begin with. */
export function versionRecord(wallTime: number): Uint8Array {
  return record(event.encode({ wallTime, fileVersion: "brain.Event:2" }).finish());
}

export function scalarRecord({ wallTime, step, scalars }: ScalarEvent): Uint8Array {
  const values = Object.entries(scalars).map(([tag, simpleValue]) => ({ tag, simpleValue }));
  return record(event.encode({ wallTime, step, summary: { value: values } }).finish());
}

export function record(bytes: Uint8Array): Uint8Array {
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(bytes.length));
  return Buffer.concat([length, checksum(length), bytes, checksum(bytes)]);
}

function checksum(bytes: Uint8Array): Buffer {
  const out = Buffer.alloc(4);
  out.writeUInt32LE(maskedCrc(bytes));
  return out;
}

/** Masked, because a CRC of bytes that hold CRCs is weak (TensorFlow's crc32c.h). */
export function maskedCrc(bytes: Uint8Array): number {
  const crc = crc32c.buf(bytes) >>> 0;
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}
