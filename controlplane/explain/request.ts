// A request that a filter is asked about, and what the filter made of it.

import { isIPv4, isIPv6 } from "node:net";
import { HeaderMap, type HttpStream, type Plugin, type PropertyMap } from "@meshwright/host";
import { InputError } from "./input-error.ts";

/** What every filter may be asked about. */
export interface PlainRequest {
  /** Method and target. Default: GET /. */
  readonly request?: string;
  /** Default: localhost. */
  readonly host?: string;
  /** Default: https. */
  readonly scheme?: "http" | "https";
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  /** The connection's other end, with or without port. Default: 127.0.0.1. */
  readonly source?: string;
  /** Port of Envoy's end. */
  readonly port?: number;
  /** URI in the client's certificate. */
  readonly peer?: string;
  /** RFC 3339. Default: now. */
  readonly at?: string;
}

/** A request as explanations tell it: no header, and no query. */
export interface RequestSummary {
  readonly method: string;
  readonly host: string;
  /** Without the query. */
  readonly path: string;
  readonly source: string;
  readonly peer?: string;
  readonly at: string;
}

export type Header = readonly [name: string, value: string];

/** What the client gets in place of the upstream's response. */
export interface LocalAnswer {
  readonly status: number;
  readonly headers: readonly Header[];
  readonly body: string;
}

/** How a request is changed on its way to the upstream. */
export interface UpstreamRequest {
  readonly set: readonly Header[];
  readonly removed: readonly string[];
  /** All headers that it gets. */
  readonly names: readonly string[];
}

/** Headers whose values are credentials. */
export const SECRET_HEADERS = ["authorization", "proxy-authorization", "cookie", "set-cookie", "x-api-key", ":path"];

/** @param more lines after those of the request. */
export function requestHeaders(spec: PlainRequest, more: readonly Header[] = []): HeaderMap {
  const [method = "GET", target = "/"] = (spec.request ?? "GET /").split(" ");
  return new HeaderMap("request", [
    [":method", method],
    [":path", target],
    [":authority", spec.host ?? "localhost"],
    [":scheme", spec.scheme ?? "https"],
    ...linesOf(spec.headers),
    ...more,
  ]);
}

/** @param source with its port. */
export function summaryOf(sent: HeaderMap, spec: PlainRequest, source: string, at: Date): RequestSummary {
  return {
    method: sent.get(":method") ?? "",
    host: sent.get(":authority") ?? "",
    path: (sent.get(":path") ?? "").replace(/[?#].*$/s, ""),
    source,
    ...optional("peer", spec.peer),
    at: at.toISOString(),
  };
}

export function connectionProperties({ peer, port }: PlainRequest): PropertyMap {
  return {
    ...(peer !== undefined && { "connection.mtls": true, "connection.uri_san_peer_certificate": peer }),
    ...(port !== undefined && { "destination.port": port }),
  };
}

/** @throws InputError if the text is no time. */
export function timeOf(text: string | undefined): Date {
  if (text === undefined) return new Date();
  const time = new Date(text);
  const isWhole = /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d(:\d\d(\.\d+)?)?([Zz]|[+-]\d\d:\d\d)$/.test(text);
  if (isWhole && !Number.isNaN(time.getTime())) return time;
  throw new InputError(`at: expected a time such as 2026-01-31T18:00:00Z, found ${JSON.stringify(text)}`);
}

/**
 * An address with the port that it has, or some port.
 * @throws InputError if it is none.
 */
export function withPort(source: string): string {
  if (isIPv4(source)) return `${source}:50000`;
  const [, bare = source, port = ":50000"] = /^\[(.+)\](:\d{1,5})?$/.exec(source) ?? [];
  if (isIPv6(bare)) return `[${bare}]${port}`;
  const [, address = ""] = /^(.+):\d{1,5}$/.exec(source) ?? [];
  if (isIPv4(address)) return source;
  throw new InputError(`source: expected an IP address, with or without port, found ${JSON.stringify(source)}`);
}

/** Why a plugin did not start. */
export function refusalOf(plugin: Plugin): string {
  const said = plugin.log.filter(({ level }) => level === "error").map(({ message }) => message);
  return ["the filter refuses the configuration:", ...(said.length > 0 ? said : [plugin.reason])].join("\n  ");
}

export function responseOf({ localResponse, response }: HttpStream): { readonly response?: LocalAnswer } {
  if (localResponse === undefined) return {};
  const headers = [...(response.headers ?? [])].filter(([name]) => !name.startsWith(":"));
  return { response: { status: localResponse.status, headers, body: localResponse.body } };
}

/** @param secret names of headers whose values are not told. */
export function upstreamOf(
  stream: HttpStream,
  sent: HeaderMap,
  secret: ReadonlySet<string>,
): { readonly upstream?: UpstreamRequest } {
  const { headers } = stream.request;
  if (headers === undefined || stream.localResponse !== undefined) return {};
  const names = new Set([...headers].map(([name]) => name));
  const isSame = (name: string): boolean => sent.getAll(name).join("\n") === headers.getAll(name).join("\n");
  const changed = [...names].filter((name) => !isSame(name));
  const set = changed.flatMap((name) =>
    headers.getAll(name).map((value): Header => [name, secret.has(name) ? "(not shown)" : value]),
  );
  const removed = [...new Set([...sent].map(([name]) => name))].filter((name) => !names.has(name));
  return { upstream: { set, removed, names: [...names] } };
}

/** An object with the field, or without it where there is no value. */
export function optional<Name extends string, T>(name: Name, value: T | undefined): { readonly [key in Name]?: T } {
  return value === undefined ? {} : ({ [name]: value } as { readonly [key in Name]: T });
}

function linesOf(headers: PlainRequest["headers"] = {}): Header[] {
  return Object.entries(headers).flatMap(([name, value]) =>
    (typeof value === "string" ? [value] : value).map((line): Header => [name, line]),
  );
}
