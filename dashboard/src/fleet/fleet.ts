import { useCallback, useRef } from "preact/hooks";
import type { FleetReport } from "../../../controlplane/api/index.ts";
import { get } from "../api.ts";
import { useLive, type Live } from "../live.ts";

/** The report with the list of sidecars, which comes only when it is another. */
export type Fleet = FleetReport & { readonly nodes: readonly string[] };

export function useFleet(isIn: boolean): Live<Fleet> {
  const nodes = useRef<{ version: string; list: readonly string[] } | undefined>(undefined);
  const last = useRef<{ report: FleetReport; fleet: Fleet } | undefined>(undefined);
  const read = useCallback(async (path: string): Promise<Fleet> => {
    const known = nodes.current;
    const report = await get<FleetReport>(known === undefined ? path : `${path}?nodes=${known.version}`);
    if (last.current?.report === report) return last.current.fleet;
    if (report.nodes !== undefined) nodes.current = { version: report.nodesVersion, list: report.nodes };
    const list = report.nodes ?? nodes.current?.list ?? [];
    const fleet = { ...report, nodes: list };
    last.current = { report, fleet };
    return fleet;
  }, []);
  return useLive(isIn ? "fleet" : undefined, 1_000, read);
}
