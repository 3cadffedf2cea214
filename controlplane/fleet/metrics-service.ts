import { type handleClientStreamingCall, type Server, type ServiceDefinition, status as Code } from "@grpc/grpc-js";

import { rawMethod, type Caller, type NodeInfo } from "../xds/index.ts";
import { readMetrics } from "./metrics-message.ts";
import type { NodeStats } from "./stats.ts";

export interface MetricsServiceOptions {
  /** Whether a client may report for this node. @returns why not, or `undefined` if it may. */
  readonly authorize?: (node: NodeInfo, caller: Caller) => string | undefined;
  readonly now?: () => number;
}

const DEFINITION: ServiceDefinition = {
  StreamMetrics: rawMethod("/envoy.service.metrics.v3.MetricsService/StreamMetrics", true, false),
};

/**
 * Serves `envoy.service.metrics.v3.MetricsService`, the sink `envoy.stat_sinks.metrics_service` of Envoy, and keeps
 * what it is sent. Envoy must report cumulative counters, leave tags in the names (both are its defaults), and report
 * the buckets of histograms.
 */
export function addMetricsService(server: Server, stats: NodeStats, options: MetricsServiceOptions = {}): void {
  const { authorize, now = Date.now } = options;
  const keeps = (name: string): string | undefined => stats.names.find(name);

  const streamMetrics: handleClientStreamingCall<Buffer, Buffer> = (call, callback) => {
    let nodeId: string | undefined;
    let ended = false;
    const end = (code: Code, details: string): void => {
      if (ended) return;
      ended = true;
      callback(code === Code.OK ? null : { code, details }, Buffer.alloc(0));
    };
    call.on("data", (bytes: Buffer) => {
      if (ended) return;
      try {
        const message = readMetrics(bytes, keeps);
        if (nodeId === undefined) {
          if (!message.node?.id) {
            end(Code.INVALID_ARGUMENT, "the first message must hold identifier.node.id");
            return;
          }
          const refusal = authorize?.(message.node, call);
          if (refusal !== undefined) {
            end(Code.PERMISSION_DENIED, refusal);
            return;
          }
          nodeId = message.node.id;
        }
        stats.record(nodeId, message, now());
      } catch {
        end(Code.INVALID_ARGUMENT, "the message is no StreamMetricsMessage");
      }
    });
    call.on("end", () => end(Code.OK, ""));
    call.on("cancelled", () => end(Code.CANCELLED, "the client is gone"));
  };
  server.addService(DEFINITION, { StreamMetrics: streamMetrics });
}
