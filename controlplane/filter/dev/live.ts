import { statusReport } from "../../api/index.ts";
import type { ControlPlane } from "../../control/index.ts";
import { TypeUrl } from "../../xds/index.ts";
import { DEV_NODE } from "./mesh-source.ts";

/** Whether the one sidecar of a mesh for development runs what is served now. */
export class Liveness {
  readonly #plane: ControlPlane;
  readonly #statsMs: number;
  /** Whether a filter has run. A filter in service is replaced only by one that Envoy could start. */
  #hasRun = false;

  /** @param statsMs how often the sidecar reports its statistics. */
  constructor(plane: ControlPlane, statsMs: number) {
    this.#plane = plane;
    this.#statsMs = statsMs;
  }

  isLive(): boolean {
    const ackedAt = this.#ackedAt();
    if (ackedAt === undefined) return false;
    if (!this.#hasRun) {
      const [sidecar] = statusReport(this.#plane).sidecars;
      this.#hasRun = sidecar?.filters.every(({ running }) => running === "loaded") === true;
      return this.#hasRun;
    }
    // Envoy acknowledges before its worker has the filter, and gathers statistics from the worker after that.
    const measured = this.#plane.stats.of(DEV_NODE).get("server.concurrency");
    return measured !== undefined && measured.at > ackedAt + this.#statsMs;
  }

  /** What Envoy says against what is served now. */
  rejections(): string[] {
    return statusReport(this.#plane).sidecars.flatMap(({ rejections }) => rejections.map(({ message }) => message));
  }

  /** When the sidecar acknowledged the filter that is served now; undefined until it did. */
  #ackedAt(): number | undefined {
    const [view] = this.#plane.fleet.nodes();
    const type = view?.types.find(({ typeUrl }) => typeUrl === TypeUrl.extensionConfig);
    const [status] = type?.resources ?? [];
    const filter = this.#plane.release?.translation.extensionConfig(status?.name ?? "", view?.node.id ?? "");
    if (type?.ackedAt === null || status?.state !== "synced" || filter === undefined) return undefined;
    // What is acknowledged may be another variant of the same version; see xds/resource.ts.
    return status.acked?.split("+", 1)[0] === filter.version ? type?.ackedAt : undefined;
  }
}
