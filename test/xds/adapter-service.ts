import {
  status as Code,
  type sendUnaryData,
  type Server,
  type ServerUnaryCall,
  type ServiceDefinition,
} from "@grpc/grpc-js";
import { fromJSON } from "@grpc/proto-loader";

/** A resource that the target is to have: its type, its name, and the version that it is given. */
export interface Named {
  readonly typeUrl: string;
  readonly name: string;
}

/** The state of a server under test, as a conformance suite changes it. */
export interface Target {
  /** Replaces all that the node is served. */
  setState(node: string, version: string, resources: readonly Named[]): void;
  clearState(node: string): void;
  updateResource(node: string, resource: Named, version: string): void;
  addResource(node: string, resource: Named, version: string): void;
  removeResource(node: string, resource: Named, version: string): void;
}

interface StateRequest {
  readonly node: string;
  readonly version: string;
  readonly resources: readonly { readonly typeUrl: string; readonly value: Buffer }[];
}

interface ResourceRequest {
  readonly node: string;
  readonly typeUrl: string;
  readonly resourceName: string;
  readonly version: string;
}

const text = (id: number) => ({ type: "string", id });
const method = (requestType: string, responseType: string) => ({ requestType, responseType, comment: "" });

const DEFINITION = fromJSON(
  {
    nested: {
      adapter: {
        nested: {
          Any: { fields: { typeUrl: text(1), value: { type: "bytes", id: 2 } } },
          StateRequest: {
            fields: { node: text(1), version: text(2), resources: { rule: "repeated", type: "Any", id: 3 } },
          },
          ClearRequest: { fields: { node: text(1) } },
          ClearResponse: { fields: { response: text(1) } },
          ResourceRequest: { fields: { node: text(1), typeUrl: text(2), resourceName: text(3), version: text(4) } },
          Response: { fields: { success: { type: "bool", id: 1 } } },
          Adapter: {
            methods: {
              SetState: method("StateRequest", "Response"),
              ClearState: method("ClearRequest", "ClearResponse"),
              UpdateResource: method("ResourceRequest", "Response"),
              AddResource: method("ResourceRequest", "Response"),
              RemoveResource: method("ResourceRequest", "Response"),
            },
          },
        },
      },
    },
  },
  { defaults: true },
)["adapter.Adapter"] as ServiceDefinition;

/** The gRPC service by which xds-test-harness tells a server what to serve. */
export { DEFINITION as AdapterService };

export function addAdapterService(server: Server, target: Target): void {
  const changes =
    (change: (node: string, resource: Named, version: string) => void) =>
    ({ node, typeUrl, resourceName, version }: ResourceRequest) => {
      change(node, { typeUrl, name: resourceName }, version);
      return { success: true };
    };
  server.addService(DEFINITION, {
    SetState: unary(({ node, version, resources }: StateRequest) => {
      const named = resources.map(({ typeUrl, value }) => ({ typeUrl, name: firstField(value) }));
      target.setState(node, version, named);
      return { success: true };
    }),
    ClearState: unary(({ node }: { readonly node: string }) => {
      target.clearState(node);
      return { response: "cleared" };
    }),
    UpdateResource: unary(changes((...change) => target.updateResource(...change))),
    AddResource: unary(changes((...change) => target.addResource(...change))),
    RemoveResource: unary(changes((...change) => target.removeResource(...change))),
  });
}

/**
 * The suite sends a request on its xDS stream, and right after it a change on this connection; which of the two is read
 * first is left to chance. Its scenarios want the first one first.
 */
const SETTLE_MS = 100;

function unary<Request>(answer: (request: Request) => object) {
  return (call: ServerUnaryCall<Request, object>, callback: sendUnaryData<object>): void => {
    setTimeout(() => {
      try {
        callback(null, answer(call.request));
      } catch (error) {
        callback({ code: Code.INVALID_ARGUMENT, details: String(error) });
      }
    }, SETTLE_MS);
  };
}

/** The suite's resources hold a name and nothing else: field 1 of the four types, shorter than 128 bytes. */
function firstField(message: Buffer): string {
  if (message[0] !== 0x0a || message[1] !== message.length - 2) throw new Error("expected a resource with only a name");
  return message.toString("utf8", 2);
}
