import type { DataAction, HeadersAction, TrailersAction } from "./abi/enums.ts";
import { toBytes } from "./bytes.ts";
import type { LocalReply } from "./context.ts";
import type { FlowFilter } from "./flow.ts";
import { HeaderMap } from "./header-map.ts";

/** A filter that lets everything pass. */
export const passFilter: FlowFilter = {
  headers: (): HeadersAction => "Continue",
  data: (): DataAction => "Continue",
  trailers: (): TrailersAction => "Continue",
  metadata: () => undefined,
};

/** What stands in for a filter whose machine is dead. */
export function absentFilter(failOpen: boolean, fail: () => void): FlowFilter {
  if (failOpen) return passFilter;
  return {
    ...passFilter,
    headers: (): HeadersAction => {
      fail();
      return "StopAllIterationAndWatermark";
    },
  };
}

/** A response of Envoy itself. */
export function envoyReply(status: number, details: string, body: string): LocalReply {
  const headers = new HeaderMap("response");
  return { status, details, body: toBytes(body), headers, grpcStatus: undefined };
}
