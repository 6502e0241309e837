/** Encodes messages of the .proto files beside this one; they are copied along with the compiled program. */
import { fileURLToPath } from "node:url";
import protobuf from "protobufjs";

/** `message`: the JSON form of protocol buffers. */
export async function encodeMessage(protoFile: string, typeName: string, message: object): Promise<Uint8Array> {
  const root = await protobuf.load(fileURLToPath(new URL(protoFile, import.meta.url)));
  const type = root.lookupType(typeName);
  return type.encode(type.fromObject(message)).finish();
}
