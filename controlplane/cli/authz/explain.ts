import {
  AuthzError,
  Explainer,
  formatExplanation,
  loadSubject,
  readRequests,
  type Explanation,
  type ExternalAnswer,
  type RequestSpec,
} from "../../authz/index.ts";
import type { JsonObject } from "../../model/index.ts";
import { NOT_SO } from "./fail.ts";
import { readAnswers, readText } from "./read.ts";

export interface ExplainFlags {
  readonly requests?: string;
  readonly request: string;
  readonly header: readonly string[];
  readonly host: string;
  readonly scheme: "http" | "https";
  readonly source: string;
  readonly port?: number;
  readonly peer?: string;
  readonly at?: string;
  readonly apiKey?: string;
  readonly token?: string;
  readonly claims?: JsonObject;
  readonly user?: string;
  readonly external?: ExternalAnswer;
  readonly policy?: string;
  readonly jwks: readonly string[];
  readonly module?: string;
  readonly json: boolean;
}

const UNDECIDED = 3;

/** `meshwright authz explain`. */
export async function explain(configuration: string, flags: ExplainFlags): Promise<void> {
  const subject = await loadSubject(configuration, flags);
  const explainer = await Explainer.create(subject, await readAnswers(flags.jwks));
  const specs = flags.requests === undefined ? [requestOf(flags)] : await readSpecs(flags.requests);
  const explanations: Explanation[] = [];
  for (const spec of specs) explanations.push(await explainer.explain(spec));
  const text = flags.json
    ? JSON.stringify(explanations, null, 2)
    : explanations.map((explanation) => formatExplanation(explanation).join("\n")).join("\n\n");
  process.stdout.write(`${text}\n`);
  process.exitCode = exitCode(explanations);
}

function exitCode(explanations: readonly Explanation[]): number {
  if (explanations.some(({ decision }) => decision === "denied")) return NOT_SO;
  return explanations.some(({ decision }) => decision === "undecided") ? UNDECIDED : 0;
}

async function readSpecs(path: string): Promise<readonly RequestSpec[]> {
  return readRequests({ path, text: await readText(path) }).requests;
}

function requestOf(flags: ExplainFlags): RequestSpec {
  const { header, token, claims, host, scheme, source, port, peer, at, apiKey, user, external } = flags;
  if (!/^[A-Z_-]+ [^ ]+$/.test(flags.request)) {
    throw new AuthzError(`--request: expected a method and a target, such as "GET /", found "${flags.request}"`);
  }
  if (claims !== undefined && token === undefined) throw new AuthzError("--claims: --token says who the issuer is");
  return {
    request: flags.request,
    host,
    scheme,
    source,
    headers: headersOf(header),
    ...(port !== undefined && { port }),
    ...(peer !== undefined && { peer }),
    ...(at !== undefined && { at }),
    ...(apiKey !== undefined && { apiKey }),
    ...(token !== undefined && { token: { provider: token, ...(claims !== undefined && { claims }) } }),
    ...(user !== undefined && { user }),
    ...(external !== undefined && { external }),
  };
}

function headersOf(lines: readonly string[]): Record<string, string[]> {
  const headers = new Map<string, string[]>();
  for (const line of lines) {
    const [, name, value = ""] = /^([A-Za-z0-9!#$%&'*+.^_`|~-]+):[ \t]*(.*)$/s.exec(line) ?? [];
    // The value may be a secret, so the line is not printed.
    if (name === undefined) throw new AuthzError('-H: expected a header line, such as "x-team: red"');
    headers.set(name, [...(headers.get(name) ?? []), value]);
  }
  return Object.fromEntries(headers);
}
