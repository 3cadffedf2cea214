import type { ClaimPath, NamedTest, StringTest } from "./configuration.ts";
import type { Cursor } from "./cursor.ts";
import { parseCidr } from "./cidr.ts";
import { all, always, any, fact, lost, never, type Expression } from "./expression.ts";
import { celString, celTest, methodFact, pathCondition, quoted, quotedAnyCase } from "./texts.ts";

// What Istio's values mean: `*` alone, at the front or at the end stands for anything.

/** What an import of Istio's resources has to be told, or finds out. */
export interface IstioContext {
  /** The trust domain for which `cluster.local` stands in principals. */
  readonly trustDomain: string;
  /** Namespace of the policy, in which a service account is that has none. */
  readonly namespace: string;
  /** The `iss` of every provider that can verify a token; nobody has a verified token of another. */
  readonly issuers: ReadonlySet<string>;
  /** As {@link ImportOptions} has it. */
  readonly trustedHops: number | undefined;
}

/** A value as a test; undefined for `*`. */
export function wildcard(text: string): StringTest | undefined {
  if (text === "*") return undefined;
  if (text.startsWith("*")) return { suffix: text.slice(1) };
  if (text.endsWith("*")) return { prefix: text.slice(0, -1) };
  return { exact: text };
}

export function method(value: Cursor): Expression {
  const test = wildcard(value.string());
  return test === undefined ? always : methodFact(test);
}

export function path(value: Cursor): Expression {
  const text = value.string();
  if (/\{\*\*?\}/.test(text)) return pathCondition({ template: text }, value);
  const test = wildcard(text);
  return test === undefined ? always : pathCondition(test, value);
}

export function host(value: Cursor): Expression {
  const text = value.string();
  const test = wildcard(text);
  if (test === undefined) return always;
  const plain = /^((\*\.)?[A-Za-z0-9._-]*[A-Za-z0-9_-]|\[[A-Fa-f0-9.:]+\])(:\*)?$/.exec(text);
  if (plain?.[1] !== undefined && !plain[1].startsWith("[:")) return fact({ field: "hosts", value: plain[1] });
  const inner = quotedAnyCase(
    "exact" in test ? test.exact : "prefix" in test ? test.prefix : "suffix" in test ? test.suffix : "",
  );
  const regex = "prefix" in test ? `${inner}.*` : "suffix" in test ? `.*${inner}` : inner;
  return fact({ field: "when", value: celTest("request.host", { regex }) });
}

export function port(value: Cursor): Expression {
  const number = typeof value.value === "number" ? value.integer() : Number(value.string());
  if (Number.isInteger(number) && number >= 1 && number <= 65535) return fact({ field: "ports", value: number });
  value.report("error", "expected a port from 1 to 65535");
  return never;
}

export function range(field: "peers" | "sources", value: Cursor): Expression {
  const cidr = parseCidr(value.string());
  if (cidr !== undefined) return fact({ field, value: cidr });
  value.report("error", "expected an address or a range such as 10.0.0.0/8");
  return never;
}

const peer = (test: StringTest): Expression => fact({ field: "principals", value: { peer: test } });

/** `cluster.local/ns/default/sa/web`: a SPIFFE id without its scheme. */
export function sourcePrincipal(value: Cursor, { trustDomain }: IstioContext): Expression {
  const text = value.string().replace(/^cluster\.local\//, `${trustDomain}/`);
  const test = wildcard(text);
  if (test === undefined) return peer({ prefix: "spiffe://" });
  if ("suffix" in test) return peer({ regex: `spiffe://.*${quoted(test.suffix)}` });
  return "prefix" in test ? peer({ prefix: `spiffe://${test.prefix}` }) : peer({ exact: `spiffe://${text}` });
}

export function sourceNamespace(value: Cursor): Expression {
  const text = value.string();
  if (!text.includes("*")) return peer({ contains: `/ns/${text}/` });
  return peer({ regex: `.*/ns/${text.split("*").map(quoted).join(".*")}/.*` });
}

export function serviceAccount(value: Cursor, { namespace }: IstioContext): Expression {
  const parts = value.string().split("/");
  const [ns, account] = parts.length === 1 ? [namespace, parts[0]] : [parts[0], parts.slice(1).join("/")];
  return peer({ regex: `spiffe://.+/ns/${quoted(ns ?? "")}/(.+/)?sa/${quoted(account ?? "")}(/.+)?` });
}

export function trustDomain(value: Cursor): Expression {
  const text = value.string();
  if (text === "*") return peer({ prefix: "spiffe://" });
  if (!text.includes("*")) return peer({ prefix: `spiffe://${text}/` });
  return peer({ regex: `spiffe://${text.split("*").map(quoted).join("[^/]*")}/.*` });
}

type ClaimValue = { readonly equals: string } | Exclude<StringTest, { readonly exact: string }>;

/** `issuer/subject`, of which either may have a wildcard at its own end. */
export function requestPrincipal(value: Cursor, { issuers }: IstioContext): Expression {
  const text = value.string();
  const slash = text.lastIndexOf("/");
  const [issuer, subject] = slash < 0 ? [text, ""] : [text.slice(0, slash), text.slice(slash + 1)];
  const of = (name: string, test: ClaimValue): Expression =>
    issuers.size === 0 ? never : fact({ field: "claims", value: { claim: name, ...test } });
  const anybody = of("sub", { regex: ".+" });
  if (text === "*") return anybody;
  if (text.startsWith("*") && slash < 0) return of("sub", { suffix: text.slice(1) });
  if (text.startsWith("*")) {
    const exact = of("sub", { equals: subject });
    return issuer === "*" ? exact : all(of("iss", { suffix: issuer.slice(1) }), exact);
  }
  if (text.endsWith("*") && slash < 0) return all(of("iss", { prefix: text.slice(0, -1) }), anybody);
  if (!issuers.has(issuer)) return unknownIssuer(value, issuer);
  if (!text.endsWith("*")) return fact({ field: "principals", value: { issuer, subject } });
  const known = fact({ field: "principals", value: { issuer } });
  return all(known, subject === "*" ? anybody : of("sub", { prefix: subject.slice(0, -1) }));
}

function unknownIssuer(value: Cursor, issuer: string): Expression {
  value.report(
    "note",
    `no RequestAuthentication verifies tokens of ${JSON.stringify(issuer)}, so nobody is this principal`,
  );
  return never;
}

/** Istio splits these texts at spaces before it looks. */
const spaced: ReadonlySet<string> = new Set(["scope", "permission"]);

/** A claim that is this text, or a list with it. */
export function claim(path: ClaimPath, value: Cursor, { issuers }: IstioContext): Expression {
  if (issuers.size === 0) return never;
  const test = wildcard(value.string());
  if (test === undefined) return fact({ field: "claims", value: { claim: path, regex: ".+" } });
  if (!("exact" in test)) return fact({ field: "claims", value: { claim: path, ...test } });
  if (typeof path !== "string" || !spaced.has(path)) {
    value.report(
      "note",
      "a claim that is a text with spaces matches by each of its words, where Istio compares the whole text",
      "check that the issuer puts nothing that users choose into this claim",
    );
  }
  return fact({ field: "claims", value: { claim: path, contains: test.exact } });
}

export function header(name: string, value: Cursor): Expression {
  const test = wildcard(value.string());
  const named: NamedTest = { name: name.toLowerCase(), ...(test ?? { present: true }) };
  return fact({ field: "headers", value: named });
}

export function serverName(value: Cursor): Expression {
  const test = wildcard(value.string());
  return fact({
    field: "when",
    value: celTest("connection.requested_server_name", test ?? { regex: ".+" }),
  });
}

/** Metadata of other filters, as `experimental.envoy.filters.NAME[KEY]`; `[v]` means a list with `v`. */
export function filterMetadata(key: string, value: Cursor): Expression {
  const match = /^experimental\.(envoy\.filters\.[^[\]]+)\[([^\]]*)\]$/.exec(key);
  const text = value.string();
  const test = wildcard(text);
  if (match === null || test === undefined || !("exact" in test)) {
    return lost(
      value.finding("loss", `${key} with this value cannot be compared`, "state it as a CEL condition in `when`"),
    );
  }
  const place = `metadata.filter_metadata[${celString(match[1] ?? "")}][${celString(match[2] ?? "")}]`;
  const list = /^\[(.*)\]$/.exec(text)?.[1];
  return fact({ field: "when", value: list === undefined ? celTest(place, test) : `${celString(list)} in ${place}` });
}

/** Any of the values, each read by `read`. */
export function anyOf(values: readonly Cursor[], read: (value: Cursor) => Expression): Expression {
  return any(...values.map(read));
}
