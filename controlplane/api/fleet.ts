import type { ServerResponse } from "node:http";
import { fleetReport, oneSidecar, type FleetInput, type WholeFleetReport } from "./fleet-report.ts";
import { sendFresh } from "./fresh.ts";
import { Paced } from "./paced.ts";
import { send } from "./send.ts";

/** One report for all who ask. */
const reports = new WeakMap<FleetInput, Paced<WholeFleetReport>>();

/** `?nodes=<version>`: the caller has this list of sidecars, and needs no other where it is still the same. */
export async function sendFleet(source: FleetInput, response: ServerResponse): Promise<void> {
  let paced = reports.get(source);
  if (paced === undefined) reports.set(source, (paced = new Paced(() => fleetReport(source))));
  try {
    const { nodes, ...report } = await paced.get();
    const isKnown = queryOf(response).get("nodes") === report.nodesVersion;
    await sendFresh(response, isKnown ? report : { ...report, nodes });
  } catch (error) {
    send(response, 500, { error: error instanceof Error ? error.message : String(error) });
  }
}

/** `?node=...`: all of one sidecar. */
export function sendSidecar(source: FleetInput, response: ServerResponse): void {
  const node = queryOf(response).get("node");
  if (node === null || node === "") {
    send(response, 400, { error: "node: expected it in the query" });
    return;
  }
  const report = oneSidecar(source, node);
  if (report === undefined) send(response, 404, { error: `there is no sidecar ${JSON.stringify(node)}` });
  else send(response, 200, report);
}

function queryOf(response: ServerResponse): URLSearchParams {
  return new URLSearchParams((response.req.url ?? "").split("?", 2)[1] ?? "");
}
