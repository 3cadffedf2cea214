import type { IncomingMessage, ServerResponse } from "node:http";
import type { CollectionReport, Collector } from "../modules/index.ts";
import { includesRole, type ApiCaller } from "../security/index.ts";
import { parseJson, readBody, RequestError, text } from "./body.ts";
import { send } from "./send.ts";

/** What the API needs to show and to collect modules. */
export interface ModulesSource {
  readonly collector: Pick<Collector, "look" | "collect">;
  /** Forgets which module an image was found to hold. @returns why not. */
  readonly unpin: (image: string) => Promise<string | undefined>;
}

/** The modules in the folder of a control plane. */
export type ModulesReport = CollectionReport;

const PATHS = {
  list: "/api/v1/modules",
  collect: "/api/v1/modules/collect",
  unpin: "/api/v1/modules/unpin",
} as const;

export const modulePaths: readonly string[] = Object.values(PATHS);

/** Answers a request about modules: lists to every caller, changes to operators. */
export async function handleModules(
  { collector, unpin }: ModulesSource,
  caller: ApiCaller,
  path: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const allowed = path === PATHS.list ? ["GET", "HEAD"] : ["POST"];
  if (!allowed.includes(request.method ?? "")) {
    response.setHeader("allow", allowed.join(", "));
    send(response, 405, { error: `expected ${allowed.join(" or ")}, found ${request.method ?? "no method"}` });
    return;
  }
  if (path !== PATHS.list && !includesRole(caller.role, "operator")) {
    send(response, 403, { error: `${path} needs the role operator, and ${caller.name} has the role ${caller.role}` });
    return;
  }
  try {
    if (path === PATHS.list) send(response, 200, await collector.look());
    else if (path === PATHS.collect) send(response, 200, await collector.collect());
    else await answerUnpin(unpin, request, response);
  } catch (error) {
    const status = error instanceof RequestError ? error.status : 503;
    send(response, status, { error: error instanceof Error ? error.message : String(error) });
  }
}

async function answerUnpin(
  unpin: ModulesSource["unpin"],
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const body = parseJson(request.headers["content-type"] ?? "", await readBody(request));
  const image = text(body["image"], "image");
  const refusal = await unpin(image);
  if (refusal === undefined) send(response, 200, { unpinned: image });
  else send(response, 409, { error: refusal });
}
