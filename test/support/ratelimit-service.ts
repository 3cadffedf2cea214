import { create, fromBinary, toBinary, type MessageInitShape } from "@bufbuild/protobuf";
import { Server, ServerCredentials } from "@grpc/grpc-js";
import {
  RateLimitRequestSchema,
  RateLimitResponseSchema,
  type RateLimitRequest,
} from "../../controlplane/gen/envoy/service/ratelimit/v3/rls_pb.js";
import { rawMethod } from "../../controlplane/xds/index.ts";

/** What the server answers: a response, a gRPC status, or nothing at all. */
export type ServiceAnswer = MessageInitShape<typeof RateLimitResponseSchema> | number | undefined;

const SHOULD_RATE_LIMIT = rawMethod("/envoy.service.ratelimit.v3.RateLimitService/ShouldRateLimit", false);

/** A rate limit service that answers as a test has it. */
export class ScriptedService {
  readonly requests: RateLimitRequest[] = [];
  answer: (request: RateLimitRequest) => ServiceAnswer = () => undefined;
  port = 0;
  readonly #server = new Server();

  static async start(): Promise<ScriptedService> {
    const service = new ScriptedService();
    service.#server.addService(
      { ShouldRateLimit: SHOULD_RATE_LIMIT },
      {
        ShouldRateLimit: (call: { request: Buffer }, reply: (error: object | null, bytes?: Buffer) => void) => {
          const request = fromBinary(RateLimitRequestSchema, call.request);
          service.requests.push(request);
          const answer = service.answer(request);
          if (answer === undefined) return;
          if (typeof answer === "number") reply({ code: answer, details: "as the test has it" });
          else reply(null, Buffer.from(toBinary(RateLimitResponseSchema, create(RateLimitResponseSchema, answer))));
        },
      },
    );
    service.port = await new Promise<number>((resolve, reject) =>
      service.#server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, port) =>
        error ? reject(error) : resolve(port),
      ),
    );
    return service;
  }

  stop(): void {
    this.#server.forceShutdown();
  }
}
