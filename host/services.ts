import type { Clock } from "./clock.ts";
import type { ForeignFunction } from "./foreign/registry.ts";
import type { Log } from "./log.ts";
import type { Metrics } from "./metrics.ts";
import type { PropertyMap } from "./properties.ts";
import type { Quota } from "./quota.ts";
import type { Random } from "./random.ts";
import type { SharedData } from "./shared-data.ts";
import type { SharedQueues } from "./shared-queue.ts";
import type { SourceLocations } from "./source-map.ts";

/** What a virtual machine has from the proxy around it. */
export interface Services {
  readonly vmId: string;
  readonly vmConfiguration: Uint8Array;
  readonly environment: ReadonlyMap<string, string>;
  /** The properties of the proxy itself, such as `xds.node`. */
  readonly properties: PropertyMap;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly sharedData: SharedData;
  readonly sharedQueues: SharedQueues;
  readonly foreign: ReadonlyMap<string, ForeignFunction>;
  /** The clusters that exist; undefined when every name is one. */
  readonly clusters: ReadonlySet<string> | undefined;
  /** The imports and exports that a `capability_restriction_config` allows; undefined when there is none. */
  readonly capabilities: ReadonlySet<string> | undefined;
  /** Whether a trap is thrown, or is the proxy's to answer. */
  readonly traps: "throw" | "answer";
  readonly locations: SourceLocations | undefined;
  readonly quota: Quota;
  /** The most memory that an imported memory may have, in pages of 64 KiB. */
  readonly memoryPages?: number;
}
