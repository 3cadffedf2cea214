import { create, toBinary } from "@bufbuild/protobuf";
import { CheckResponseSchema } from "#gen/envoy/service/auth/v3/external_auth_pb.js";
import type { GrpcCall, HttpCall, Plugin } from "@meshwright/host";
import type { JsonObject } from "../model/index.ts";
import { isObject, objectsOf } from "../explain/index.ts";
import type { ExternalAnswer } from "./requests.ts";

const GRPC_STATUS = { allow: 0, deny: 7 } as const;
const UNAVAILABLE = 14;

/** The external authorizers of a configuration, played by us. */
export class Authorizers {
  readonly #rules: ReadonlyMap<unknown, JsonObject>;
  readonly #httpClusters: ReadonlySet<unknown>;

  constructor(configuration: JsonObject) {
    this.#rules = new Map(objectsOf(configuration["rules"]).map((rule) => [rule["name"], rule]));
    this.#httpClusters = new Set(
      objectsOf(configuration["externalAuthorizers"]).flatMap(({ http }) => (isObject(http) ? [http["cluster"]] : [])),
    );
  }

  /** The authorizer that a rule leaves its decision to. */
  of(rule: string | undefined): string | undefined {
    const { action, shadow, authorizer } = this.#rules.get(rule) ?? {};
    return action === "external" && shadow !== true && typeof authorizer === "string" ? authorizer : undefined;
  }

  /** Whether a cluster decides, and does not give keys. */
  hasCluster(cluster: string): boolean {
    return this.#httpClusters.has(cluster);
  }

  areAsked(plugin: Plugin): boolean {
    return this.#call(plugin) !== undefined;
  }

  /** Answers the question that waits; with `unavailable`, every try of it. */
  answer(plugin: Plugin, answer: ExternalAnswer): void {
    for (let call = this.#call(plugin); call !== undefined; call = this.#call(plugin)) {
      if ("reply" in call) answerGrpc(call, answer);
      else answerHttp(call, answer);
    }
  }

  #call(plugin: Plugin): GrpcCall | HttpCall | undefined {
    return plugin.grpcCalls[0] ?? plugin.httpCalls.find(({ cluster }) => this.hasCluster(cluster));
  }
}

function answerGrpc(call: GrpcCall, answer: ExternalAnswer): void {
  if (answer === "unavailable") call.end({ status: UNAVAILABLE });
  else {
    const response = create(CheckResponseSchema, { status: { code: GRPC_STATUS[answer] } });
    call.reply(toBinary(CheckResponseSchema, response));
  }
}

function answerHttp(call: HttpCall, answer: ExternalAnswer): void {
  if (answer === "unavailable") call.fail();
  else call.respond({ headers: { ":status": answer === "allow" ? "200" : "403" } });
}
