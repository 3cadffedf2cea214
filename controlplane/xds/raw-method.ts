import type { MethodDefinition } from "@grpc/grpc-js";

const asIs = (bytes: Buffer): Buffer => bytes;

/**
 * A gRPC method whose messages pass through as bytes: what is sent is encoded already, and what cannot be read deserves a better answer
 * than the INTERNAL of a failed deserializer.
 *
 * @param requestStream whether the client sends any number of messages.
 * @param responseStream whether the server does. Default: as the client.
 */
export function rawMethod(
  path: string,
  requestStream: boolean,
  responseStream = requestStream,
): MethodDefinition<Buffer, Buffer> {
  return {
    path,
    requestStream,
    responseStream,
    requestSerialize: asIs,
    requestDeserialize: asIs,
    responseSerialize: asIs,
    responseDeserialize: asIs,
  };
}
