import type { IncomingMessage, ServerResponse } from "node:http";
import type { ChangePreview } from "../control/index.ts";
import { NotFoundError } from "../journal/index.ts";
import { faultyPlan, makePlan, OverlaySource, type PlanReport } from "../plan/index.ts";
import type { Fleet } from "../fleet/index.ts";
import type { Source } from "../source/index.ts";
import { parseFiles, parseJson, readBody, RequestError, text } from "./body.ts";
import { refusalOf } from "./refusal.ts";
import { send } from "./send.ts";

/** What a control plane needs to have for plans. */
export interface PlanSource {
  readonly fleet: Pick<Fleet, "nodes">;
  /** What would come of a change of what it serves. */
  preview(change: (present: Source) => Promise<Source>): Promise<ChangePreview>;
}

export const PLAN_PATH = "/api/v1/plan";

/**
 * Answers `{"files": [...], "delete": ["Kind/name"]}`: what a change would do to the sidecars. Changes nothing; but it runs the
 * filters that are sent on their configurations, so it is for those who may apply them, and shows them what they may see.
 */
export async function handlePlan(
  source: PlanSource,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  try {
    if (request.method !== "POST") {
      response.setHeader("allow", "POST");
      throw new RequestError(405, `expected POST, found ${request.method ?? "no method"}`);
    }
    send(response, 200, await planFor(source, request));
  } catch (error) {
    const [status, refusal] = refusalOf(error);
    send(response, status, refusal);
  }
}

async function planFor(source: PlanSource, request: IncomingMessage): Promise<PlanReport> {
  const body = parseJson(request.headers["content-type"] ?? "", await readBody(request));
  const { files = [], delete: deleted = [] } = body;
  if (!Array.isArray(deleted)) throw new RequestError(400, "delete: expected an array of KIND/NAME");
  const overlay = {
    files: parseFiles(files),
    deleted: deleted.map((key, i) => text(key, `delete[${i}]`)),
  };
  const preview = await source.preview(async (present) => {
    const changed = await OverlaySource.of(present, overlay);
    const [missing] = changed.missing;
    if (missing !== undefined) throw new NotFoundError(`there is no resource ${missing}`);
    return changed;
  });
  if (!preview.ok) return faultyPlan(preview.problems);
  const connected = source.fleet.nodes().flatMap((view) => (view.connected ? [view.node] : []));
  return makePlan({ ...preview, connected, showsConfigurations: true });
}
