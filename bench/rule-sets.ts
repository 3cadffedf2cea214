// Sets of rules of any size, as the filter authz and as Envoy's rbac read them, and a request for each.
import type { Json, Variant } from "./configuration.ts";

/** A rule that allows, in the few terms that both have alike. */
interface Policy {
  readonly path?: { readonly exact: string } | { readonly prefix: string } | { readonly regex: string };
  readonly methods?: readonly string[];
  readonly header?: { readonly name: string; readonly exact: string };
  /** A range of addresses of the connection. */
  readonly peer?: string;
}

export interface RuleSet {
  readonly name: string;
  readonly policy: (index: number) => Policy;
  /** Which rule of so many matches the request. */
  readonly matching: (count: number) => number;
  /** A request that rule matches, and no rule before it. */
  readonly request: (matching: number) => Pick<Variant, "path" | "headers">;
}

const methods = ["GET", "POST", "PUT", "DELETE"];
/** Of four letters, so that hundreds of teams share ten thousand rules. */
const team = (index: number): string => `team-${String(index % 500)}`;

export const ruleSets: readonly RuleSet[] = [
  {
    name: "worst",
    policy: (index) => ({
      path: { prefix: `/service-${String(index)}/` },
      methods: ["GET"],
      header: { name: "x-team", exact: team(index) },
    }),
    matching: (count) => count - 1,
    request: (index) => ({
      path: `/service-${String(index)}/products/17`,
      headers: { "x-team": team(index), "user-agent": "bench" },
    }),
  },
  {
    name: "typical",
    policy: typicalPolicy,
    // The one of its ten that is a path with methods.
    matching: (count) => Math.floor(count / 20) * 10 + 1,
    request: (index) => ({
      path: `/service-${String(index)}/products/17`,
      headers: { "x-team": team(index), "x-user": "user-4711", "user-agent": "bench" },
    }),
  },
];

/** What a company has of each ten rules. */
function typicalPolicy(index: number): Policy {
  const service = `/service-${String(index)}/`;
  switch (index % 10) {
    case 0:
      return { path: { exact: `${service}health` } };
    case 1:
    case 2:
      return { path: { prefix: service }, methods: ["GET", "POST"] };
    case 3:
      return { path: { prefix: service }, methods, header: { name: "x-team", exact: team(index) } };
    case 4:
      // Not by path: a user may do everything.
      return { header: { name: "x-user", exact: `admin-${String(index)}` } };
    case 5:
      return { peer: `10.${String((index >> 8) & 0xff)}.${String(index & 0xff)}.0/24`, methods: ["GET"] };
    case 6:
      return { path: { regex: `/v[0-9]+/service-${String(index)}/items/[0-9]+` }, methods: ["GET"] };
    case 7:
      return { path: { prefix: "/shared/" }, header: { name: "x-team", exact: team(index) }, methods };
    case 8:
      return { path: { exact: `${service}admin` }, peer: "10.0.0.0/8", methods: ["DELETE"] };
    default:
      return { path: { prefix: service }, header: { name: "x-user", exact: `user-${String(index)}` } };
  }
}

/** The first so many policies as rules of authz. */
export function authzRules({ policy }: RuleSet, count: number): Json {
  return Array.from({ length: count }, (_, index): Json => {
    const { path, methods: some, header, peer } = policy(index);
    const test = path !== undefined && "prefix" in path ? { startsWith: path.prefix } : path;
    return {
      name: nameOf(index),
      action: "allow",
      ...(some === undefined ? {} : { methods: [...some] }),
      ...(test === undefined ? {} : { paths: [{ ...test }] }),
      ...(header === undefined ? {} : { headers: [{ ...header }] }),
      ...(peer === undefined ? {} : { peers: [peer] }),
      principals: [{ any: true }],
    };
  });
}

/** The same as policies of `envoy.config.rbac.v3.RBAC`, which Envoy goes through by name. */
export function rbacPolicies({ policy }: RuleSet, count: number): { [name: string]: Json } {
  return Object.fromEntries(
    Array.from({ length: count }, (_, index): [string, Json] => {
      const { path, methods: some, header, peer } = policy(index);
      const permissions: Json[] = [];
      if (path !== undefined) {
        const test: Json = "regex" in path ? { safe_regex: { regex: path.regex } } : { ...path };
        permissions.push({ url_path: { path: test } });
      }
      if (some !== undefined) permissions.push(anyOf(some.map((method) => headerIs(":method", method))));
      const principals: Json[] = [];
      if (header !== undefined) principals.push(headerIs(header.name, header.exact));
      if (peer !== undefined) {
        const [prefix = "", length = "0"] = peer.split("/");
        principals.push({ direct_remote_ip: { address_prefix: prefix, prefix_len: Number(length) } });
      }
      return [
        nameOf(index),
        {
          permissions: [permissions.length > 0 ? { and_rules: { rules: permissions } } : { any: true }],
          principals: [principals.length > 0 ? { and_ids: { ids: principals } } : { any: true }],
        },
      ];
    }),
  );
}

const headerIs = (name: string, exact: string): Json => ({ header: { name, string_match: { exact } } });

function anyOf(rules: readonly Json[]): Json {
  return rules.length === 1 && rules[0] !== undefined ? rules[0] : { or_rules: { rules: [...rules] } };
}

/** Names whose order is that of the rules. */
function nameOf(index: number): string {
  return `rule-${String(index).padStart(6, "0")}`;
}
