import { type ChannelCredentials, Client, type ClientDuplexStream, credentials } from "@grpc/grpc-js";
import {
  create,
  type DescMessage,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";

import {
  DeltaDiscoveryRequestSchema,
  DeltaDiscoveryResponseSchema,
  DiscoveryRequestSchema,
  DiscoveryResponseSchema,
} from "#gen/envoy/service/discovery/v3/discovery_pb.js";

const ADS = "/envoy.service.discovery.v3.AggregatedDiscoveryService/";

/** A stream to a real server, as a client writes and reads it. */
export class WireStream<Request extends DescMessage, Response extends DescMessage> {
  readonly #client: Client;
  readonly #request: Request;
  readonly #responses: MessageShape<Response>[] = [];
  readonly #call: ClientDuplexStream<Buffer, Buffer>;
  /** The status with which the server ended the stream. */
  readonly ended: Promise<{ readonly code: number; readonly details: string }>;
  #wake: () => void = () => undefined;

  constructor(
    port: number,
    path: string,
    request: Request,
    response: Response,
    channel: ChannelCredentials = credentials.createInsecure(),
  ) {
    this.#client = new Client(`127.0.0.1:${port}`, channel);
    this.#request = request;
    this.#call = this.#client.makeBidiStreamRequest(path, asIs, asIs);
    this.#call.on("data", (bytes: Buffer) => {
      this.#responses.push(fromBinary(response, bytes));
      this.#wake();
    });
    this.ended = new Promise((resolve) => this.#call.on("status", resolve));
    this.#call.on("error", () => undefined);
  }

  send(request: MessageInitShape<Request>): this {
    return this.sendBytes(toBinary(this.#request, create(this.#request, request)));
  }

  sendBytes(bytes: Uint8Array): this {
    this.#call.write(Buffer.from(bytes));
    return this;
  }

  /** The next response. */
  async next(): Promise<MessageShape<Response>> {
    for (;;) {
      const response = this.#responses.shift();
      if (response !== undefined) return response;
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  /** Responses that came and were not taken. */
  get waiting(): number {
    return this.#responses.length;
  }

  /** Stops reading, so that the transport fills up. */
  pause(): void {
    this.#call.pause();
  }

  resume(): void {
    this.#call.resume();
  }

  halfClose(): void {
    this.#call.end();
  }

  close(): void {
    this.#call.cancel();
    this.#client.close();
  }
}

export type SotwWire = WireStream<typeof DiscoveryRequestSchema, typeof DiscoveryResponseSchema>;
export type DeltaWire = WireStream<typeof DeltaDiscoveryRequestSchema, typeof DeltaDiscoveryResponseSchema>;

export function sotwWire(port: number, path = `${ADS}StreamAggregatedResources`): SotwWire {
  return new WireStream(port, path, DiscoveryRequestSchema, DiscoveryResponseSchema);
}

export function deltaWire(
  port: number,
  path = `${ADS}DeltaAggregatedResources`,
  channel?: ChannelCredentials,
): DeltaWire {
  return new WireStream(port, path, DeltaDiscoveryRequestSchema, DeltaDiscoveryResponseSchema, channel);
}

function asIs(bytes: Buffer): Buffer {
  return bytes;
}
