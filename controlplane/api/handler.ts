import type { IncomingMessage, ServerResponse } from "node:http";
import type { Resources } from "../journal/index.ts";
import { pathOf, serveModule, type ModuleStore } from "../modules/index.ts";
import type { Consumption, LeaseService } from "../quota/index.ts";
import { handleResources, resourceRoute } from "./resources.ts";
import { statusReport, type StatusInput } from "./status-report.ts";

/** What the HTTP server shows of a control plane. */
export interface ApiSource extends StatusInput {
  readonly modules: ModuleStore;
  readonly leases: Pick<LeaseService, "top">;
  /** Undefined when nothing can be applied. */
  readonly resources?: Resources | undefined;
}

/** Buckets that are told of. */
const TOP_BUCKETS = 100;

/** The buckets with the most requests, the first first. */
export interface QuotaReport {
  readonly top: readonly Consumption[];
}

type Answer = (source: ApiSource, response: ServerResponse) => void;

const answers: ReadonlyMap<string, Answer> = new Map<string, Answer>([
  ["/api/v1/status", (source, response) => send(response, 200, statusReport(source))],
  [
    "/api/v1/quotas",
    ({ leases }, response) => send(response, 200, { top: leases.top(TOP_BUCKETS) } satisfies QuotaReport),
  ],
  ["/healthz", (_, response) => send(response, 200, { status: "alive" })],
  [
    "/readyz",
    ({ release }, response) => {
      if (release === undefined) send(response, 503, { status: "nothing to serve yet" });
      else send(response, 200, { status: "ready" });
    },
  ],
]);

/** Answers a request to the control plane's HTTP server. */
export function handleRequest(source: ApiSource, request: IncomingMessage, response: ServerResponse): void {
  if (serveModule(source.modules, request, response)) return;
  const path = pathOf(request);
  if (source.resources !== undefined && resourceRoute(request.method ?? "", path) !== undefined) {
    void handleResources(source.resources, authorOf(request), request, response);
    return;
  }
  const answer = answers.get(path);
  if (answer === undefined) {
    send(response, 404, { error: `nothing at ${path}`, paths: [...answers.keys(), "/modules/<sha256>.wasm"] });
  } else if (request.method !== "GET" && request.method !== "HEAD") {
    response.setHeader("allow", "GET, HEAD");
    send(response, 405, { error: `expected GET or HEAD, found ${request.method ?? "no method"}` });
  } else {
    answer(source, response);
  }
}

/** Who a change is from, as the request itself says. */
function authorOf({ headers }: IncomingMessage): string {
  const author = headers["x-meshwright-author"];
  return typeof author === "string" && author !== "" ? author.slice(0, 200) : "anonymous";
}

function send(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(response.req.method === "HEAD" ? undefined : `${JSON.stringify(body, undefined, 2)}\n`);
}
