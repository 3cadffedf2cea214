import type { IncomingMessage, ServerResponse } from "node:http";
import type { Resources } from "../journal/index.ts";
import { pathOf, serveModule, type ModuleStore } from "../modules/index.ts";
import type { Metrics } from "../observe/index.ts";
import type { Consumption, LeaseService } from "../quota/index.ts";
import { includesRole, type ApiCaller, type HttpAccess, type Role } from "../security/index.ts";
import type { Store } from "../store/index.ts";
import { BACKUP_PATH, sendBackup } from "./backup.ts";
import { DASHBOARD, serveAsset } from "./assets.ts";
import { experimentsReport } from "./experiments-report.ts";
import { sendFleet, sendSidecar } from "./fleet.ts";
import type { FleetInput } from "./fleet-report.ts";
import type { InspectSource } from "../inspect/index.ts";
import { sendConfig, sendTrace } from "./inspect.ts";
import { limitsReport } from "./limits-report.ts";
import { handlePlan, PLAN_PATH, type PlanSource } from "./plan.ts";
import { handleModules, modulePaths, type ModulesSource } from "./modules.ts";
import { handleResources, isResourcePath, resourcePaths, roleFor } from "./resources.ts";
import { handleRollouts, isRolloutPath, rolloutPaths, type RolloutsSource } from "./rollouts.ts";
import { send } from "./send.ts";
import { statusReport, type StatusInput } from "./status-report.ts";
import type { Fleet, NodeStats } from "../fleet/index.ts";

/** What the HTTP server shows of a control plane. */
export interface ApiSource extends StatusInput, FleetInput, InspectSource {
  readonly fleet: Pick<Fleet, "node" | "nodes">;
  readonly stats: Pick<NodeStats, "of" | "figures" | "totals" | "nodeIds">;
  readonly modules: ModuleStore;
  readonly moduleKeeping?: ModulesSource;
  readonly leases: Pick<LeaseService, "top">;
  readonly access: HttpAccess;
  readonly metrics: Pick<Metrics, "contentType" | "text">;
  /** Undefined when none can be applied. */
  readonly resources?: Resources | undefined;
  readonly rollouts?: RolloutsSource & NonNullable<FleetInput["rollouts"]>;
  /** Undefined where nothing can be planned. */
  readonly plans?: PlanSource;
  /** Where they are kept. */
  readonly store?: Pick<Store, "backup"> | undefined;
}

/** Buckets that are told of. */
const TOP_BUCKETS = 100;

export interface QuotaReport {
  /** The buckets with the most requests, the first first. */
  readonly top: readonly Consumption[];
  /** The buckets with the most refused requests, the first first. */
  readonly mostDenied: readonly Consumption[];
}

type Answer = (source: ApiSource, response: ServerResponse) => void;

const answers: ReadonlyMap<string, Answer> = new Map<string, Answer>([
  ["/api/v1/status", (source, response) => send(response, 200, statusReport(source))],
  ["/api/v1/fleet", (source, response) => void sendFleet(source, response)],
  ["/api/v1/sidecar", sendSidecar],
  ["/api/v1/caller", ({ access }, response) => send(response, 200, access.identify(response.req) ?? {})],
  [
    "/api/v1/quotas",
    ({ leases }, response) => {
      const [top, mostDenied] = [leases.top(TOP_BUCKETS), leases.top(TOP_BUCKETS, "denied")];
      send(response, 200, { top, mostDenied } satisfies QuotaReport);
    },
  ],
  ["/api/v1/experiments", (source, response) => send(response, 200, experimentsReport(source))],
  ["/api/v1/limits", ({ stats }, response) => send(response, 200, limitsReport(stats))],
  ["/api/v1/config", sendConfig],
  ["/api/v1/trace", sendTrace],
  ["/metrics", sendMetrics],
  ["/healthz", (_, response) => send(response, 200, { status: "alive" })],
  [
    "/readyz",
    ({ release }, response) => {
      if (release === undefined) send(response, 503, { status: "nothing to serve yet" });
      else send(response, 200, { status: "ready" });
    },
  ],
]);

/** One of few names for a path, whatever a client asks for. */
export function routeOf(path: string): string {
  if (path.startsWith("/modules/")) return "/modules/{sha256}.wasm";
  if (path.startsWith(DASHBOARD)) return DASHBOARD;
  if (answers.has(path) || [BACKUP_PATH, PLAN_PATH, ...resourcePaths, ...modulePaths].includes(path)) return path;
  if (isRolloutPath(path)) return "/api/v1/rollouts";
  return isResourcePath(path) ? "/api/v1/resources/{kind}/{name}" : "other";
}

const PLAIN: readonly string[] = ["/metrics", "/healthz", "/readyz"];

/** What is told without encryption and to everybody, on a port of its own: metrics, and whether it lives and is ready. */
export function handlePlainRequest(source: ApiSource, request: IncomingMessage, response: ServerResponse): void {
  const plain = [...answers].filter(([known]) => PLAIN.includes(known));
  answerFrom(new Map(plain), source, request, response);
}

/** Answers a request to the control plane's HTTP server. */
export function handleRequest(source: ApiSource, request: IncomingMessage, response: ServerResponse): void {
  const path = pathOf(request);
  if (path.startsWith("/modules/")) {
    void source.access.mayFetchModules(request).then((mayFetch) => {
      if (!mayFetch) refuse(response, "a module", "the certificate of a sidecar, or a token");
      else if (!serveModule(source.modules, request, response)) handleOther(source, path, request, response);
    });
    return;
  }
  if (!serveAsset(request, response)) handleOther(source, path, request, response);
}

function handleOther(source: ApiSource, path: string, request: IncomingMessage, response: ServerResponse): void {
  // Also where nothing is: who may not read is not told what there is.
  const isRead = path.startsWith("/api/") || path === "/metrics";
  if (isRead && authorize(source.access, "viewer", request, response) === undefined) return;
  if (source.resources !== undefined && isResourcePath(path)) {
    const caller = authorize(source.access, roleFor(request.method ?? ""), request, response);
    if (caller !== undefined) void handleResources(source.resources, caller, request, response);
    return;
  }
  if (source.rollouts !== undefined && isRolloutPath(path)) {
    const caller = authorize(source.access, "viewer", request, response);
    if (caller !== undefined) void handleRollouts(source.rollouts, source, caller, path, request, response);
    return;
  }
  if (source.moduleKeeping !== undefined && modulePaths.includes(path)) {
    const caller = authorize(source.access, "viewer", request, response);
    if (caller !== undefined) void handleModules(source.moduleKeeping, caller, path, request, response);
    return;
  }
  if (path === BACKUP_PATH && request.method === "GET" && source.store?.backup !== undefined) {
    if (authorize(source.access, "admin", request, response) !== undefined) void sendBackup(source.store, response);
    return;
  }
  if (path === PLAN_PATH && source.plans !== undefined) {
    const caller = authorize(source.access, "operator", request, response);
    if (caller !== undefined) void handlePlan(source.plans, request, response);
    return;
  }
  const more = source.resources === undefined ? [] : [...resourcePaths, BACKUP_PATH];
  answerFrom(answers, source, request, response, [
    ...more,
    PLAN_PATH,
    ...rolloutPaths,
    ...modulePaths,
    "/modules/<sha256>.wasm",
    DASHBOARD,
  ]);
}

/** @param more paths that are answered elsewhere. */
function answerFrom(
  known: ReadonlyMap<string, Answer>,
  source: ApiSource,
  request: IncomingMessage,
  response: ServerResponse,
  more: readonly string[] = [],
): void {
  const answer = known.get(pathOf(request));
  if (answer === undefined) {
    send(response, 404, {
      error: `nothing at ${pathOf(request)}`,
      paths: [...known.keys(), ...more],
    });
  } else if (request.method !== "GET" && request.method !== "HEAD") {
    response.setHeader("allow", "GET, HEAD");
    send(response, 405, { error: `expected GET or HEAD, found ${request.method ?? "no method"}` });
  } else {
    try {
      answer(source, response);
    } catch (error) {
      // A fault of one report is none of the control plane.
      send(response, 500, { error: error instanceof Error ? error.message : String(error) });
    }
  }
}

/** Who a request comes from, if it may do what needs a role; otherwise undefined, and it is answered with 401 or 403. */
export function authorize(
  access: HttpAccess,
  role: Role,
  request: IncomingMessage,
  response: ServerResponse,
): ApiCaller | undefined {
  const caller = access.identify(request);
  if (caller === undefined) {
    refuse(response, pathOf(request), `a token of the role ${role}, in the header authorization`);
    return undefined;
  }
  if (includesRole(caller.role, role)) return caller;
  const error = `${pathOf(request)} needs the role ${role}, and ${caller.name} has the role ${caller.role}`;
  send(response, 403, { error });
  return undefined;
}

function sendMetrics({ metrics }: ApiSource, response: ServerResponse): void {
  metrics.text().then(
    (text) => {
      response.writeHead(200, { "content-type": metrics.contentType });
      response.end(response.req.method === "HEAD" ? undefined : text);
    },
    (error: unknown) => send(response, 500, { error: error instanceof Error ? error.message : String(error) }),
  );
}

function refuse(response: ServerResponse, what: string, needed: string): void {
  response.setHeader("www-authenticate", 'Bearer realm="meshwright"');
  send(response, 401, { error: `${what} needs ${needed}` });
}
