import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  type handleBidiStreamingCall,
  type handleUnaryCall,
  type Server,
  type ServiceDefinition,
  type StatusObject,
  status as Code,
} from "@grpc/grpc-js";

import {
  type ClientStatusRequest,
  ClientStatusRequestSchema,
  ClientStatusResponseSchema,
} from "#gen/envoy/service/status/v3/csds_pb.js";

import { rawMethod, type Caller, type NodeInfo } from "../xds/index.ts";
import { clientConfig } from "./client-status.ts";
import type { Fleet } from "./fleet.ts";
import { MatcherError, matchesNode } from "./node-matcher.ts";

export interface ClientStatusOptions {
  /** Whether a caller may see where clients stand. @returns why not, or `undefined` if it may. */
  readonly authorize?: (caller: Caller) => string | undefined;
}

function method(name: string, streams: boolean): ServiceDefinition[string] {
  return rawMethod(`/envoy.service.status.v3.ClientStatusDiscoveryService/${name}`, streams);
}

/**
 * Serves `envoy.service.status.v3.ClientStatusDiscoveryService` (CSDS): where each connected client stands with each of
 * its resources. A request names clients by `node_matchers`, or none for all of them, and a stream answers each request.
 *
 * The contents of resources are left out, as if every request had `exclude_resource_contents`: among them are keys.
 */
export function addClientStatusService(
  server: Server,
  fleet: Pick<Fleet, "nodes">,
  { authorize }: ClientStatusOptions = {},
): void {
  const fetchClientStatus: handleUnaryCall<Buffer, Buffer> = (call, callback) => {
    const refusal = authorize?.(call);
    const answer = refusal === undefined ? answerTo(call.request, fleet) : denied(refusal);
    if (Buffer.isBuffer(answer)) callback(null, answer);
    else callback(answer);
  };
  const streamClientStatus: handleBidiStreamingCall<Buffer, Buffer> = (call) => {
    const refusal = authorize?.(call);
    if (refusal !== undefined) {
      call.emit("error", denied(refusal));
      return;
    }
    call.on("data", (bytes: Buffer) => {
      const answer = answerTo(bytes, fleet);
      if (!Buffer.isBuffer(answer)) call.emit("error", answer);
      else if (!call.write(answer)) {
        // A caller that does not read gets no further answers until it does.
        call.pause();
        call.once("drain", () => call.resume());
      }
    });
    call.on("end", () => call.end());
    call.on("error", () => undefined);
  };
  server.addService(
    { StreamClientStatus: method("StreamClientStatus", true), FetchClientStatus: method("FetchClientStatus", false) },
    { StreamClientStatus: streamClientStatus, FetchClientStatus: fetchClientStatus },
  );
}

type Fault = Pick<StatusObject, "code" | "details">;

/** The serialized response, or what is wrong with the request. */
function answerTo(bytes: Buffer, fleet: Pick<Fleet, "nodes">): Buffer | Fault {
  let request: ClientStatusRequest;
  try {
    request = fromBinary(ClientStatusRequestSchema, bytes);
  } catch {
    return { code: Code.INVALID_ARGUMENT, details: "the request is no ClientStatusRequest" };
  }
  const { nodeMatchers } = request;
  const isAsked = (node: NodeInfo): boolean =>
    nodeMatchers.length === 0 || nodeMatchers.some((matcher) => matchesNode(matcher, node));
  try {
    const nodes = fleet.nodes().filter(({ connected, node }) => connected && isAsked(node));
    const response = create(ClientStatusResponseSchema, { config: nodes.map(clientConfig) });
    return Buffer.from(toBinary(ClientStatusResponseSchema, response));
  } catch (error) {
    if (error instanceof MatcherError) return { code: Code.INVALID_ARGUMENT, details: error.message };
    return { code: Code.INTERNAL, details: "the control plane failed to tell where clients stand" };
  }
}

function denied(details: string): Fault {
  return { code: Code.PERMISSION_DENIED, details };
}
