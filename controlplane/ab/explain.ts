import { Clock, HeaderMap, ProxyWasmHost, type HttpStream, type PropertyMap } from "@meshwright/host";
import {
  connectionProperties,
  InputError,
  optional,
  refusalOf,
  requestHeaders,
  responseOf,
  SECRET_HEADERS,
  summaryOf,
  timeOf,
  upstreamOf,
  withPort,
  type Header,
  type LocalAnswer,
  type PlainRequest,
  type RequestSummary,
  type Subject,
  type UpstreamRequest,
} from "../explain/index.ts";
import { assignmentOf, type Assignment, type Reason } from "./assignments.ts";
import { experimentsOf, type Range } from "./experiments.ts";

/** A request to ab-routing. */
export interface AbRequest extends PlainRequest {
  /** What else Envoy knows of it, by path: `filter_state/wasm.authz.claim.tenant`. */
  readonly properties?: Readonly<Record<string, string>>;
}

/** What the filter made of one request. Values of credentials and the query are left out. */
export interface AbExplanation {
  readonly request: RequestSummary;
  /** In the order of the configuration. */
  readonly experiments: readonly ExperimentOutcome[];
  /** How long a fault holds the request back, in milliseconds. */
  readonly delayMs?: number;
  /** What a fault answers in place of the upstream. */
  readonly response?: LocalAnswer;
  readonly upstream?: UpstreamRequest;
  /** What is added to the upstream's response, or set in it. */
  readonly responseHeaders?: readonly Header[];
}

export interface ExperimentOutcome {
  readonly name: string;
  readonly variant: string | null;
  readonly reason: Reason;
  /** Which of `rules` decided. */
  readonly rule?: number;
  /** Of the key in the split. */
  readonly place?: number;
  /** The first and the last place of the range that the place is in. */
  readonly range?: readonly [first: number, last: number];
}

/** Longer than any delay that a fault may have. */
const MAX_DELAY_MS = 61_000;

/**
 * Asks the filter itself: the request goes through its compiled module.
 * @throws InputError if the filter refuses the configuration, or the request cannot be made.
 */
export async function explainAssignment({ configuration, module }: Subject, spec: AbRequest): Promise<AbExplanation> {
  const at = timeOf(spec.at);
  const source = withPort(spec.source ?? "127.0.0.1");
  const host = await ProxyWasmHost.load(module, {
    clock: new Clock(at.getTime()),
    random: Math.floor(Math.random() * 0xffff_ffff),
    logLevel: "debug",
    canary: false,
  });
  try {
    const plugin = host.startPlugin({ rootId: "ab-routing", configuration: JSON.stringify(configuration) });
    if (!plugin.ok) throw new InputError(refusalOf(plugin));
    const before = host.log.lines.length;
    const stream = plugin.newHttpStream({ source, properties: propertiesOf(spec) });
    const sent = requestHeaders(spec);
    stream.requestHeaders(sent.entries(), { endOfStream: true });
    let delayMs = 0;
    for (; stream.paused && stream.localResponse === undefined && delayMs < MAX_DELAY_MS; delayMs++) {
      host.clock.advance(1);
    }
    if (plugin.trap !== undefined) throw new Error(`the filter trapped: ${plugin.trap}`);
    const told = host.log.lines.slice(before).flatMap(({ message }) => assignmentOf(message) ?? []);
    const explanation: AbExplanation = {
      request: summaryOf(sent, spec, source, at),
      experiments: outcomes(configuration, told),
      ...(delayMs > 0 && { delayMs }),
      ...responseOf(stream),
      ...upstreamOf(stream, sent, new Set(SECRET_HEADERS)),
      ...responseHeadersOf(stream),
    };
    stream.close();
    return explanation;
  } finally {
    host.close();
  }
}

/** Properties of the connection and those that were given. */
export function propertiesOf(spec: AbRequest): PropertyMap {
  const tree: Record<string, PropertyMap> = {};
  for (const [path, value] of Object.entries(spec.properties ?? {})) {
    const [top = "", ...rest] = path.split("/");
    if (rest.length === 0 || rest.includes("")) {
      throw new InputError(`property: expected a path such as filter_state/wasm.authz.principal, found "${path}"`);
    }
    tree[top] = laid(tree[top] ?? {}, rest, value);
  }
  return { ...connectionProperties(spec), ...tree };
}

function laid(tree: PropertyMap, [name = "", ...rest]: readonly string[], value: string): PropertyMap {
  if (rest.length === 0) return { ...tree, [name]: value };
  const below = tree[name];
  const isTree = typeof below === "object" && Object.getPrototypeOf(below) === Object.prototype;
  return { ...tree, [name]: laid(isTree ? (below as PropertyMap) : {}, rest, value) };
}

/** Experiments that the filter did not look at are for other paths. */
function outcomes(configuration: Subject["configuration"], told: readonly Assignment[]): ExperimentOutcome[] {
  return experimentsOf(configuration).map(({ name, split }) => {
    const found = told.find(({ experiment }) => experiment === name);
    if (found === undefined) return { name, variant: null, reason: "notTargeted" };
    const { variant, reason, rule, place } = found;
    return {
      name,
      variant,
      reason,
      ...optional("rule", rule),
      ...optional("place", place),
      ...optional("range", place === undefined ? undefined : rangeAt(split ?? [], place)),
    };
  });
}

function rangeAt(split: readonly Range[], place: number): readonly [number, number] | undefined {
  let first = 0;
  for (const { weight } of split) {
    if (place < first + weight) return [first, first + weight - 1];
    first += weight;
  }
  return undefined;
}

function responseHeadersOf(stream: HttpStream): { readonly responseHeaders?: readonly Header[] } {
  if (stream.localResponse !== undefined || stream.paused) return {};
  const sent = new HeaderMap("response", [[":status", "200"]]);
  stream.responseHeaders(sent.entries(), { endOfStream: true });
  const added = [...(stream.response.headers ?? [])].filter(([name]) => !name.startsWith(":"));
  const shown = added.map(([name, value]): Header => [name, name === "set-cookie" ? "(not shown)" : value]);
  return shown.length === 0 ? {} : { responseHeaders: shown };
}
