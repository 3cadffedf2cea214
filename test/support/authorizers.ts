// Authorizers for the tests: Envoy's ext_authz protocol over gRPC, and the same over HTTP. They keep what they were asked.
import { createServer, type IncomingMessage, type Server as HttpServer, type ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { create, fromBinary, toBinary, type MessageInitShape } from "@bufbuild/protobuf";
import { Server, ServerCredentials, type status as Code } from "@grpc/grpc-js";
import {
  CheckRequestSchema,
  CheckResponseSchema,
  type CheckRequest,
} from "../../controlplane/gen/envoy/service/auth/v3/external_auth_pb.js";
import { rawMethod } from "../../controlplane/xds/index.ts";
import { listen } from "./ports.ts";

/** What the service does: answers, sends bytes that are no message, ends with a gRPC status, or answers late. */
export type GrpcBehaviour =
  | { readonly answer: MessageInitShape<typeof CheckResponseSchema> }
  | { readonly bytes: Uint8Array }
  | { readonly code: Code; readonly times?: number }
  | { readonly late: number };

export class GrpcAuthorizer {
  readonly port: number;
  /** What comes of the calls from now on. */
  behaviour: GrpcBehaviour = { answer: {} };
  readonly calls: CheckRequest[] = [];
  readonly #server: Server;

  private constructor(server: Server, port: number) {
    this.#server = server;
    this.port = port;
  }

  static async start(port = 0): Promise<GrpcAuthorizer> {
    const server = new Server();
    let authorizer: GrpcAuthorizer | undefined = undefined;
    const check = rawMethod("/envoy.service.auth.v3.Authorization/Check", false);
    server.addService(
      { check },
      {
        check: (
          call: { readonly request: Buffer },
          answer: (error: { code: Code } | null, bytes?: Buffer) => void,
        ): void => void authorizer?.answer(call.request, answer),
      },
    );
    const bound = await new Promise<number>((resolve, reject) => {
      server.bindAsync(`127.0.0.1:${port}`, ServerCredentials.createInsecure(), (error, value) => {
        if (error === null) resolve(value);
        else reject(error);
      });
    });
    authorizer = new GrpcAuthorizer(server, bound);
    return authorizer;
  }

  async answer(request: Buffer, answer: (error: { code: Code } | null, bytes?: Buffer) => void): Promise<void> {
    this.calls.push(fromBinary(CheckRequestSchema, request));
    const { behaviour } = this;
    if ("late" in behaviour) await sleep(behaviour.late);
    if ("code" in behaviour && this.calls.length <= (behaviour.times ?? Infinity)) answer({ code: behaviour.code });
    else if ("bytes" in behaviour) answer(null, Buffer.from(behaviour.bytes));
    else {
      const init = "answer" in behaviour ? behaviour.answer : {};
      answer(null, Buffer.from(toBinary(CheckResponseSchema, create(CheckResponseSchema, init))));
    }
  }

  /** Forgets the calls, and does so from now on. */
  set(behaviour: GrpcBehaviour): void {
    this.behaviour = behaviour;
    this.calls.length = 0;
  }

  stop(): void {
    this.#server.forceShutdown();
  }
}

export type HttpBehaviour = (request: IncomingMessage, response: ServerResponse) => void;

export class HttpAuthorizer {
  readonly port: number;
  behaviour: HttpBehaviour = (_, response) => response.end();
  readonly calls: IncomingMessage[] = [];
  readonly #server: HttpServer;

  private constructor(server: HttpServer, port: number) {
    this.#server = server;
    this.port = port;
    server.on("request", (request: IncomingMessage, response: ServerResponse) => {
      this.calls.push(request);
      this.behaviour(request, response);
    });
  }

  static async start(): Promise<HttpAuthorizer> {
    const server = createServer();
    return new HttpAuthorizer(server, await listen(server));
  }

  set(behaviour: HttpBehaviour): void {
    this.behaviour = behaviour;
    this.calls.length = 0;
  }

  stop(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}
