import type { Logger } from "pino";
import type { Activity } from "../observe/index.ts";
import type { Ledger } from "../quota/index.ts";
import type { Security } from "../security/index.ts";
import type { TrustedKey } from "../signatures/index.ts";
import type { Source } from "../source/index.ts";
import type { Store } from "../store/index.ts";
import type { Webhooks } from "../webhooks/index.ts";
import type { HostPort } from "./host-port.ts";
import type { Shadow } from "./pre-checks.ts";

export interface ControlPlaneOptions {
  /** Resources that are not changed over the API, such as those of a folder. */
  readonly source: Source;
  /**
   * What survives the control plane: the resources that are applied over the API, with their history, and served beside those of the
   * source; and the runs of Rollouts. Closed in the end. Without it, no resource can be applied, and runs are forgotten.
   */
  readonly store?: Store;
  /** Folder for modules; made when it is missing. */
  readonly stateFolder: string;
  /** How long nothing has to refer to a module before it is removed from that folder. Default: none is removed. */
  readonly moduleGraceMs?: number;
  /** How many revisions of the applied resources keep what they name by url or image. Default: 100. */
  readonly moduleRevisions?: number;
  /** The keys that are trusted now: every module has to be signed by one of them. Default: none need be signed. */
  readonly moduleKeys?: () => readonly TrustedKey[];
  /** When a module or signature that could not be had is asked for again at first, in milliseconds. Default: 2 s. */
  readonly moduleRetryMs?: number;
  /** Where to listen; port 0 takes any free one. */
  readonly xds: HostPort;
  readonly http: HostPort;
  /** Where metrics and health are served to everybody, without encryption; nowhere when left out. */
  readonly metrics?: HostPort;
  /** The cluster of a sidecar's bootstrap from which Envoy fetches modules. */
  readonly modulesCluster: string;
  /** Where the counts of quotas are kept, and closed in the end. Default: in this process. */
  readonly ledger?: Ledger;
  /** Is given what tells of all that happens, before anything does. */
  readonly watch?: (activity: Activity) => void;
  /** Versions are tried before the first wave of a run; in an Envoy too, if there is one. Default: they are not. */
  readonly preChecks?: { readonly shadow?: Shadow };
  /** How often runs of Rollouts are looked at, in milliseconds. Default: 1 s. */
  readonly rolloutTickMs?: number;
  /** Are told what becomes of Rollouts; closed in the end. */
  readonly webhooks?: Webhooks;
  /** Certificates and who may do what; closed in the end. Without it, everybody may do everything, and nothing is encrypted. */
  readonly security?: Security;
  /** Statistics of sidecars that are kept besides the usual ones: those whose names in Envoy start so. */
  readonly keepStats?: readonly string[];
  /** How long the windows are in which figures of sidecars are measured, in milliseconds. Default: 5 s. */
  readonly statsWindowMs?: number;
  /** Whether other control planes use the same store: one of them leads the Rollouts then. Default: no. */
  readonly isStoreShared?: boolean;
  /** After which a sidecar is asked to connect again; give or take a tenth. Default: never. */
  readonly maxConnectionAgeMs?: number;
  readonly log: Logger;
}
