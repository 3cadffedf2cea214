import { createHash } from "node:crypto";
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { status as Code, type handleBidiStreamingCall, type Server, type ServiceDefinition } from "@grpc/grpc-js";
import {
  RateLimitQuotaResponseSchema,
  RateLimitQuotaUsageReportsSchema,
  type RateLimitQuotaUsageReports,
} from "#gen/envoy/service/rate_limit_quota/v3/rlqs_pb.js";
import { rawMethod, type Caller } from "../xds/index.ts";
import type { Reporter } from "./account.ts";
import type { BucketUsage, LeaseService } from "./lease-service.ts";
import { actionOf, usagesOf } from "./messages.ts";

/** The metadata by which this project's filter says that it is one, and which: its id is the same on each of its streams. */
export const SIDECAR_METADATA = "x-meshwright-sidecar";

const MAX_ID_LENGTH = 128;

const DEFINITION: ServiceDefinition = {
  StreamRateLimitQuotas: rawMethod(
    "/envoy.service.rate_limit_quota.v3.RateLimitQuotaService/StreamRateLimitQuotas",
    true,
  ),
};

/**
 * Serves `envoy.service.rate_limit_quota.v3.RateLimitQuotaService`. Each report is answered once, with an action for each of
 * its buckets, and nothing is sent unasked.
 * @param identify who a caller is by its certificate; undefined for who is no sidecar. Default: everybody is who they say.
 */
export function addQuotaService(
  server: Server,
  leases: LeaseService,
  identify: (caller: Caller) => string | undefined = () => "",
): void {
  const stream: handleBidiStreamingCall<Buffer, Buffer> = (call) => {
    const identity = identify(call);
    if (identity === undefined) {
      const details = "quotas are for sidecars: the certificate names none";
      call.emit("error", { code: Code.PERMISSION_DENIED, details });
      return;
    }
    const from = reporterOf(call.metadata.get(SIDECAR_METADATA)[0], identity);
    let domain = "";
    let ended = false;
    const end = (code: Code, details: string): void => {
      if (ended) return;
      ended = true;
      if (code === Code.OK) call.end();
      else call.emit("error", { code, details });
    };
    const receive = async (bytes: Buffer): Promise<void> => {
      let reports: RateLimitQuotaUsageReports;
      let usages: BucketUsage[];
      try {
        reports = fromBinary(RateLimitQuotaUsageReportsSchema, bytes);
        usages = usagesOf(reports);
      } catch (error) {
        end(Code.INVALID_ARGUMENT, `no usage report: ${error instanceof Error ? error.message : String(error)}`);
        return;
      }
      // Only the first one has to name it.
      domain = reports.domain === "" ? domain : reports.domain;
      if (domain === "") {
        end(Code.INVALID_ARGUMENT, "the first report must name its domain");
        return;
      }
      const decisions = await leases.report(from, domain, usages);
      if (ended) return;
      const bucketAction = usages.map(({ bucket }, i) => actionOf(bucket, decisions[i] ?? { kind: "abandon" }));
      const response = { $typeName: RateLimitQuotaResponseSchema.typeName, bucketAction } as const;
      const isTaken = call.write(Buffer.from(toBinary(RateLimitQuotaResponseSchema, response)));
      if (!isTaken) await new Promise<void>((resolve) => call.once("drain", resolve).once("close", resolve));
    };
    call.on("data", (bytes: Buffer) => {
      // One report after another; a client that sends faster waits.
      call.pause();
      void receive(bytes).finally(() => {
        if (!ended) call.resume();
      });
    });
    call.on("end", () => end(Code.OK, ""));
    call.on("cancelled", () => (ended = true));
    call.on("error", () => (ended = true));
  };
  server.addService(DEFINITION, { StreamRateLimitQuotas: stream });
}

/** Nobody reports for another, whatever id is sent: the id counts within what the certificate names. */
function reporterOf(id: string | Buffer | undefined, identity: string): Reporter {
  const stream = crypto.randomUUID();
  const isPaced = typeof id === "string" && id !== "" && id.length <= MAX_ID_LENGTH;
  const name =
    identity === "" ? id : `${createHash("sha256").update(identity).digest("base64url").slice(0, 22)}:${String(id)}`;
  return isPaced
    ? { id: `sidecar:${String(name)}`, stream, isPaced }
    : { id: `stream:${stream}`, stream, isPaced: false };
}
