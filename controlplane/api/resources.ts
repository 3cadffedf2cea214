import type { IncomingMessage, ServerResponse } from "node:http";
import {
  FaultsError,
  hideResource,
  hideRevision,
  joinDocuments,
  keyOf,
  NotFoundError,
  type ChangeOptions,
  type Outcome,
  type Resources,
  type Revision,
  type StoredResource,
} from "../journal/index.ts";
import type { Problem } from "../model/index.ts";
import { includesRole, type ApiCaller, type Role } from "../security/index.ts";
import { parseApply, parseJson, readBody, RequestError, text, wholeNumber } from "./body.ts";
import { refusalOf } from "./refusal.ts";
import { send } from "./send.ts";

/** What `apply`, `delete` and `rollback` answer; `diff` adds the faults. */
export interface ChangeReport extends Outcome {
  readonly dryRun: boolean;
  readonly problems?: readonly Problem[];
}

/** The applied resources, by kind and name. */
export interface ResourceList {
  readonly revision: number;
  readonly resources: readonly StoredResource[];
}

/** Accepted changes, the latest first. */
export interface History {
  readonly revisions: readonly Revision[];
}

/** A request with what its handler needs of it. */
interface Call {
  readonly resources: Resources;
  readonly author: string;
  /** Whether values that may be secret are shown; they are to those who may change them. */
  readonly showsAll: boolean;
  readonly request: IncomingMessage;
  readonly query: URLSearchParams;
  readonly parameters: readonly string[];
}

type Answer = (call: Call) => Promise<object | string>;

interface Route {
  readonly method: "GET" | "POST" | "DELETE";
  readonly path: RegExp;
  readonly answer: Answer;
}

const PREFIX = "/api/v1/";
const RESOURCE = /^resources\/([A-Za-z]{1,63})\/([^/]{1,253})$/;

const routes: readonly Route[] = [
  { method: "GET", path: /^resources$/, answer: list },
  { method: "GET", path: RESOURCE, answer: get },
  { method: "DELETE", path: RESOURCE, answer: remove },
  { method: "POST", path: /^apply$/, answer: apply },
  { method: "POST", path: /^diff$/, answer: diff },
  { method: "POST", path: /^delete$/, answer: removeAll },
  { method: "POST", path: /^rollback$/, answer: rollback },
  { method: "GET", path: /^history$/, answer: history },
];

/** The paths of the applied resources, for people. */
export const resourcePaths = [
  "resources",
  "resources/<kind>/<name>",
  "apply",
  "diff",
  "delete",
  "rollback",
  "history",
].map((path) => `${PREFIX}${path}`);

/** Whether a path is one of the applied resources. */
export function isResourcePath(path: string): boolean {
  return path.startsWith(PREFIX) && routes.some((route) => route.path.test(path.slice(PREFIX.length)));
}

/** What is needed to use a path. Also of what changes nothing where it runs filters that the request brings: a dry run, a diff. */
export function roleFor(method: string): Role {
  return method === "GET" || method === "HEAD" ? "viewer" : "operator";
}

/**
 * Answers a request about the applied resources.
 *
 * @param caller has the role that {@link roleFor} says.
 */
export async function handleResources(
  resources: Resources,
  caller: ApiCaller,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const url = new URL(request.url ?? "/", "http://localhost");
  const path = url.pathname.slice(PREFIX.length);
  const method = request.method === "HEAD" ? "GET" : request.method;
  const found = routes.filter((route) => route.path.test(path));
  const route = found.find((one) => one.method === method);
  if (route === undefined) {
    const allowed = found.map((one) => one.method).join(", ");
    response.setHeader("allow", allowed);
    send(response, 405, { error: `expected ${allowed}, found ${request.method ?? "no method"}` });
    return;
  }
  const parameters = (route.path.exec(path) ?? []).slice(1);
  try {
    const [author, showsAll] = [caller.name, includesRole(caller.role, "operator")];
    const answer = await route.answer({ resources, author, showsAll, request, query: url.searchParams, parameters });
    if (typeof answer === "string") {
      response.writeHead(200, { "content-type": "application/yaml" }).end(answer);
    } else send(response, 200, answer);
  } catch (error) {
    const [status, refusal] = refusalOf(error);
    send(response, status, refusal);
  }
}

async function apply({ resources, author, request, query }: Call): Promise<ChangeReport> {
  const { files, message } = parseApply(request.headers["content-type"] ?? "", await readBody(request));
  const options = optionsOf(request, query);
  const signature = { author, message: query.get("message") ?? message };
  return { dryRun: options.dryRun, ...(await resources.apply(files, signature, options)) };
}

/** What an apply would change, and what is wrong with it. */
async function diff({ resources, author, request, query }: Call): Promise<ChangeReport> {
  const { files } = parseApply(request.headers["content-type"] ?? "", await readBody(request));
  try {
    const options = { ...optionsOf(request, query), dryRun: true };
    return { dryRun: true, ...(await resources.apply(files, { author, message: "" }, options)), problems: [] };
  } catch (error) {
    if (!(error instanceof FaultsError)) throw error;
    return { dryRun: true, changes: error.changes, problems: error.problems };
  }
}

async function remove({ resources, author, request, query, parameters }: Call): Promise<ChangeReport> {
  const [kind = "", name = ""] = parameters;
  const options = optionsOf(request, query);
  const signature = { author, message: text(query.get("message") ?? "", "message") };
  return { dryRun: options.dryRun, ...(await resources.delete([keyOf({ kind, name })], signature, options)) };
}

/** Several at once. */
async function removeAll({ resources, author, request, query }: Call): Promise<ChangeReport> {
  const body = parseJson(request.headers["content-type"] ?? "", await readBody(request));
  const { resources: named } = body;
  if (!Array.isArray(named) || named.length === 0)
    throw new RequestError(400, "resources: expected an array of KIND/NAME");
  const keys = named.map((key, i) => text(key, `resources[${i}]`));
  const options = optionsOf(request, query);
  const signature = { author, message: text(body["message"] ?? "", "message") };
  return { dryRun: options.dryRun, ...(await resources.delete(keys, signature, options)) };
}

async function rollback({ resources, author, request, query }: Call): Promise<ChangeReport> {
  const body = parseJson(request.headers["content-type"] ?? "", await readBody(request));
  const revision = wholeNumber(body["revision"], "revision");
  const message = text(body["message"] ?? `rollback to revision ${revision}`, "message");
  const options = optionsOf(request, query);
  return { dryRun: options.dryRun, ...(await resources.rollback(revision, { author, message }, options)) };
}

async function list({ resources, showsAll, request, query }: Call): Promise<ResourceList | string> {
  const state = await stateOf(resources, query);
  const kind = query.get("kind");
  const found = [...state.resources.values()]
    .filter((resource) => kind === null || resource.kind === kind)
    .sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1))
    .map((resource) => (showsAll ? resource : hideResource(resource)));
  if (wantsYaml(request)) return joinDocuments(found.map((resource) => resource.text));
  return { revision: state.revision, resources: found };
}

async function get({ resources, showsAll, request, query, parameters }: Call): Promise<StoredResource | string> {
  const [kind = "", name = ""] = parameters;
  const found = (await stateOf(resources, query)).resources.get(keyOf({ kind, name }));
  if (found === undefined) throw new NotFoundError(`there is no applied resource ${keyOf({ kind, name })}`);
  const resource = showsAll ? found : hideResource(found);
  return wantsYaml(request) ? joinDocuments([resource.text]) : resource;
}

async function history({ resources, showsAll, query }: Call): Promise<History> {
  const resource = query.get("resource");
  const limit = wholeNumber(query.get("limit") ?? "100", "limit");
  const revisions = await resources.journal.latest(
    limit,
    ({ changes }) => resource === null || changes.some((one) => keyOf(one) === resource),
  );
  return { revisions: showsAll ? revisions : revisions.map(hideRevision) };
}

async function stateOf({ journal }: Resources, query: URLSearchParams): ReturnType<Resources["journal"]["state"]> {
  const revision = query.get("revision");
  if (revision === null) return journal.state();
  const state = await journal.stateAt(wholeNumber(revision, "revision"));
  if (state === undefined) throw new NotFoundError(`there is no revision ${revision}`);
  return state;
}

/** `If-Match: "N"`, or `base=N`: what was changed after the revision N is not overwritten. */
function optionsOf(request: IncomingMessage, query: URLSearchParams): ChangeOptions {
  const dryRun = query.get("dryRun") ?? "false";
  if (dryRun !== "true" && dryRun !== "false") throw new RequestError(400, "dryRun: expected true or false");
  const match = request.headers["if-match"];
  const base = match === undefined ? query.get("base") : (/^"(\d+)"$/.exec(match)?.[1] ?? "");
  return {
    dryRun: dryRun === "true",
    ...(base === null ? {} : { base: wholeNumber(base, match === undefined ? "base" : "if-match") }),
  };
}

function wantsYaml(request: IncomingMessage): boolean {
  return /^application\/yaml\b/.test(request.headers.accept ?? "");
}
