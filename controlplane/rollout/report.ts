import { gunzipSync } from "node:zlib";
import type { NodeInfo } from "../xds/index.ts";
import type { FetchFault } from "./module-fetch.ts";
import type { Progress, SidecarState } from "./observation.ts";
import type { LeadReport, RunReport } from "./peers.ts";
import type { Run } from "./run.ts";

// What control planes on one store tell one another, as JSON that is short and compressed.

/** What one tells of a run. */
export interface PostedRun {
  readonly rollout: string;
  readonly number: number;
  /** Whether the sidecars are to have the version that they had before. */
  readonly isBack: boolean;
  /** A letter for each sidecar that was given the new version, in the order of the log: see {@link LETTERS}. */
  readonly states: string;
  /** What there is to say of some of them, by their place. */
  readonly details: readonly (readonly [place: number, detail: Detail])[];
  readonly report: RunReport;
}

interface Detail {
  /** When it connected, where that was after it was given the version; when it went. */
  readonly since?: number;
  readonly message?: string;
  readonly fetch?: FetchFault;
}

/** What the one that leads tells of all runs. */
export interface PostedLead {
  readonly runs: readonly (readonly [rollout: string, lead: LeadReport])[];
  readonly blocked: readonly (readonly [rollout: string, why: string])[];
}

const LETTERS: Readonly<Record<Progress, string>> = {
  Running: "r",
  Behind: "b",
  Held: "h",
  Rejected: "x",
  Failed: "f",
};
const PROGRESS = new Map(Object.entries(LETTERS).map(([progress, letter]) => [letter, progress as Progress]));
const GONE = "g";
const UNKNOWN = "-";

/** @param here how far those who were given the new version are, of those who are or were connected here. */
export function postedRun(run: Run, here: ReadonlyMap<string, SidecarState>, report: RunReport): PostedRun {
  const details: [number, Detail][] = [];
  let states = "";
  let place = 0;
  for (const [node, at] of run.admitted) {
    const state = here.get(node);
    states += state === undefined ? UNKNOWN : state.connected ? LETTERS[state.progress] : GONE;
    const { message, fetch } = state ?? {};
    const since = state !== undefined && (!state.connected || state.since > at) ? state.since : undefined;
    if (since !== undefined || message !== undefined || fetch !== undefined) {
      details.push([
        place,
        {
          ...(since === undefined ? {} : { since }),
          ...(message === undefined ? {} : { message }),
          ...(fetch === undefined ? {} : { fetch }),
        },
      ]);
    }
    place++;
  }
  return { rollout: run.rollout, number: run.number, isBack: run.phase === "RollingBack", states, details, report };
}

/**
 * What was told of the sidecars of a run, by sidecar. Of one that is to have another version by now than when it was told, it is only known
 * whether it is connected.
 */
export function statesOf(run: Run, posted: PostedRun): Map<string, SidecarState> {
  const states = new Map<string, SidecarState>();
  if (posted.rollout !== run.rollout || posted.number !== run.number) return states;
  const isOutdated = posted.isBack !== (run.phase === "RollingBack");
  const details = new Map(posted.details);
  let place = 0;
  for (const [node, at] of run.admitted) {
    const letter = posted.states[place] ?? UNKNOWN;
    const { since = at, message, fetch } = details.get(place++) ?? {};
    const progress = PROGRESS.get(letter);
    if (letter === GONE) states.set(node, { connected: false, since, progress: "Behind" });
    else if (progress !== undefined) {
      const known: SidecarState = {
        ...{ connected: true, since, progress },
        ...(message === undefined ? {} : { message }),
        ...(fetch === undefined ? {} : { fetch }),
      };
      states.set(node, isOutdated ? { connected: true, since, progress: "Behind" } : known);
    }
  }
  return states;
}

export type NodeRow = readonly [
  id: string,
  cluster: string,
  region: string,
  zone: string,
  name: string,
  version: string,
  hasWasm: boolean | null,
  labels: readonly (readonly [key: string, value: string])[],
];

/** A sidecar as others have to know it. @param labels the keys of its metadata that waves pick by. */
export function nodeRow(info: NodeInfo, labels: ReadonlySet<string>): NodeRow {
  const { id, cluster, locality, metadata, userAgentName, userAgentVersion, hasWasm } = info;
  const picked = [...labels].flatMap((key): [string, string][] => {
    const value = metadata[key];
    return typeof value === "string" ? [[key, value]] : [];
  });
  return [id, cluster, locality.region, locality.zone, userAgentName, userAgentVersion, hasWasm ?? null, picked];
}

export function nodeOf([id, cluster, region, zone, name, version, hasWasm, labels]: NodeRow): NodeInfo {
  return {
    ...{ id, cluster, metadata: Object.fromEntries(labels), locality: { region, zone, subZone: "" } },
    ...{ userAgentName: name, userAgentVersion: version, features: [] },
    ...(hasWasm === null ? {} : { hasWasm }),
  };
}

export function toText(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) => (part instanceof Map ? { map: [...part] } : part));
}

/** @param bytes what {@link toText} gives, compressed. */
export function unpack(bytes: Uint8Array): unknown {
  return JSON.parse(gunzipSync(bytes).toString("utf8"), (_, part: unknown) => {
    if (typeof part !== "object" || part === null || !("map" in part) || !Array.isArray(part.map)) return part;
    return new Map(part.map as (readonly [unknown, unknown])[]);
  });
}
