import {
  Clock,
  ProxyWasmHost,
  type ForeignFunction,
  type HttpCall,
  type HttpStream,
  type Plugin,
} from "@meshwright/host";
import type { JsonObject } from "../model/index.ts";
import {
  connectionProperties,
  InputError,
  isObject,
  objectsOf,
  optional,
  refusalOf,
  requestHeaders,
  responseOf,
  SECRET_HEADERS,
  summaryOf,
  timeOf,
  upstreamOf,
  withPort,
  type Subject,
} from "../explain/index.ts";
import { Authorizers } from "./authorizers.ts";
import type { Explanation } from "./explanation.ts";
import type { RequestSpec } from "./requests.ts";
import { ruleOutcomes, type RuleLine } from "./rule-outcomes.ts";
import { standIn, type StoodIn } from "./stand-ins.ts";

/** How long before a request the filter is started. */
const START_MS = 1000;

/** A line of the filter's log about a decision. */
interface DecisionLine {
  readonly decision: "allowed" | "denied";
  readonly reason?: string;
  readonly rule?: string;
  readonly dryRun?: true;
  readonly principal?: string;
}

/**
 * Asks the filter itself: each request goes through its compiled module, in a machine of its own, so that nothing that is
 * remembered of one changes another.
 */
export class Explainer {
  readonly #subject: Subject;
  readonly #answers: ReadonlyMap<string, string>;
  readonly #foreign: Readonly<Record<string, ForeignFunction>>;

  /** @param answers bodies that clusters answer with where the filter fetches keys from them. */
  static async create(subject: Subject, answers: ReadonlyMap<string, string> = new Map()): Promise<Explainer> {
    return new Explainer(subject, answers, await foreignFunctions(subject.configuration));
  }

  private constructor(
    subject: Subject,
    answers: ReadonlyMap<string, string>,
    foreign: Readonly<Record<string, ForeignFunction>>,
  ) {
    this.#subject = subject;
    this.#answers = answers;
    this.#foreign = foreign;
  }

  /** @throws InputError if the filter refuses the configuration, or the request cannot be made. */
  async explain(spec: RequestSpec): Promise<Explanation> {
    const at = timeOf(spec.at);
    const credentials = standIn(this.#subject.configuration, spec, Math.floor(at.getTime() / 1000));
    const { configuration } = credentials;
    const host = await ProxyWasmHost.load(this.#subject.module, {
      clock: new Clock(at.getTime() - START_MS),
      foreign: this.#foreign,
      canary: false,
    });
    try {
      const logged = { ...configuration, log: { decisions: "all", rules: true } };
      const plugin = host.startPlugin({ rootId: "authz", configuration: JSON.stringify(logged) });
      if (!plugin.ok) throw new InputError(refusalOf(plugin));
      // Filters fetch what they need on their first tick.
      host.clock.advance(Math.min(plugin.tickPeriod, START_MS));
      this.#giveKeys(plugin, configuration);
      host.clock.advance(Number(BigInt(at.getTime()) * 1_000_000n - host.clock.realtime) / 1e6);
      return this.#send(plugin, credentials, spec, at);
    } finally {
      host.close();
    }
  }

  #send(plugin: Plugin, { configuration, ...credentials }: StoodIn, spec: RequestSpec, at: Date): Explanation {
    const [method = "GET", given = "/"] = (spec.request ?? "GET /").split(" ");
    const target = withParameters(given, credentials.parameters);
    const source = withPort(spec.source ?? "127.0.0.1");
    const sent = requestHeaders({ ...spec, request: `${method} ${target}` }, credentials.headers);
    const logStart = plugin.log.length;
    const stream = plugin.newHttpStream({ source, properties: connectionProperties(spec) });
    stream.requestHeaders(sent.entries(), { endOfStream: true });
    if (isWaiting(stream)) this.#giveKeys(plugin, configuration);
    const authorizers = new Authorizers(configuration);
    const isAsked = isWaiting(stream) && authorizers.areAsked(plugin);
    if (isAsked && spec.external !== undefined) authorizers.answer(plugin, spec.external);
    if (plugin.trap !== undefined) throw new Error(`the filter trapped: ${plugin.trap}`);

    const { rules, decision } = readLog(plugin, logStart);
    if (decision === undefined && !isAsked) throw new InputError(missingKeys(configuration));
    const asked = rules.find(({ rule, matches }) => matches && authorizers.of(rule) !== undefined)?.rule;
    const explanation: Explanation = {
      ...optional("name", spec.name),
      request: summaryOf(sent, spec, source, at),
      decision: decision?.decision ?? "undecided",
      ...optional("reason", decision?.reason),
      ...optional("rule", decision === undefined ? asked : decision.rule),
      dryRun: configuration["dryRun"] === true,
      ...optional("principal", decision?.principal),
      rules: ruleOutcomes(configuration, rules),
      ...(isAsked && {
        external: { authorizer: authorizers.of(asked) ?? "", ...optional("answer", spec.external) },
      }),
      ...responseOf(stream),
      ...upstreamOf(stream, sent, secretHeaders(configuration)),
    };
    stream.close();
    return explanation;
  }

  /** Answers what the filter fetches keys with. What nothing was given for stays unanswered: the request may not need it. */
  #giveKeys(plugin: Plugin, configuration: JsonObject): void {
    for (const call of keyCalls(plugin, configuration)) {
      const body = this.#answers.get(call.cluster);
      if (body !== undefined) call.respond({ headers: { "content-type": "application/json" }, body });
    }
  }
}

function keyCalls(plugin: Plugin, configuration: JsonObject): HttpCall[] {
  const authorizers = new Authorizers(configuration);
  return plugin.httpCalls.filter(({ cluster }) => !authorizers.hasCluster(cluster));
}

function missingKeys(configuration: JsonObject): string {
  const clusters = objectsOf(configuration["jwtProviders"]).flatMap(({ remoteJwks }) =>
    isObject(remoteJwks) && typeof remoteJwks["cluster"] === "string" ? [remoteJwks["cluster"]] : [],
  );
  const hints = [...new Set(clusters)].map((cluster) => `--jwks ${cluster}=FILE`);
  return `the request waits for keys that the filter fetches from a cluster; give them by ${hints.join(", ")}`;
}

/** A target with more parameters in its query. */
function withParameters(target: string, parameters: readonly string[]): string {
  if (parameters.length === 0) return target;
  const hash = target.indexOf("#");
  const [start, end] = hash < 0 ? [target, ""] : [target.slice(0, hash), target.slice(hash)];
  return `${start}${start.includes("?") ? "&" : "?"}${parameters.join("&")}${end}`;
}

/** Expressions need a package that nothing else needs. */
async function foreignFunctions(configuration: JsonObject): Promise<Readonly<Record<string, ForeignFunction>>> {
  if (!JSON.stringify(configuration).includes('"when":')) return {};
  try {
    const { celFunctions } = await import("@meshwright/host/cel");
    return celFunctions();
  } catch (error) {
    throw new InputError(`rules with "when" need the package @marcbachmann/cel-js: ${String(error)}`);
  }
}

function isWaiting(stream: HttpStream): boolean {
  return stream.paused && stream.localResponse === undefined;
}

function readLog(plugin: Plugin, from: number): { rules: RuleLine[]; decision: DecisionLine | undefined } {
  const rules: RuleLine[] = [];
  let decision: DecisionLine | undefined;
  for (const { message, source } of plugin.log.slice(from)) {
    if (source !== "module" || !message.startsWith('{"authz":')) continue;
    const line = JSON.parse(message) as { readonly authz: string };
    if (line.authz === "rule") rules.push(line as RuleLine & typeof line);
    else if (line.authz === "decision") decision = line as DecisionLine & typeof line;
  }
  return { rules, decision };
}

function secretHeaders(configuration: JsonObject): ReadonlySet<string> {
  const names = new Set(SECRET_HEADERS);
  const add = (value: unknown): void => {
    if (typeof value === "string") names.add(value.toLowerCase());
  };
  add(isObject(configuration["apiKeys"]) ? configuration["apiKeys"]["header"] : undefined);
  for (const provider of objectsOf(configuration["jwtProviders"])) {
    for (const location of objectsOf(provider["fromHeaders"])) add(location["name"]);
  }
  return names;
}
