import type { JwtProvider, Rule } from "./configuration.ts";
import type { Cursor } from "./cursor.ts";
import { all, always, any, fact, lost, never, not, type Expression } from "./expression.ts";
import { providerOf } from "./envoy-jwt-provider.ts";
import { routeMatch } from "./envoy-requests.ts";
import type { Findings } from "./finding.ts";
import { rulesOf, type Names } from "./rules.ts";

/** What a jwt_authn filter comes to. */
export interface ImportedJwt {
  readonly providers: readonly JwtProvider[];
  /** Rules that refuse whoever does not have the token that a path requires. */
  readonly rules: readonly Rule[];
  /** Names under which claims are written to metadata, with the provider. */
  readonly payloads: ReadonlyMap<string, string>;
}

/** Translates `envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication`. */
export function importJwt(filter: Cursor, names: Names, providerNames: Names, findings: Findings): ImportedJwt {
  filter.only(
    "@type",
    "providers",
    "rules",
    "filter_state_rules",
    "bypass_cors_preflight",
    "requirement_map",
    "strip_failure_response",
    "stat_prefix",
  );
  filter
    .get("filter_state_rules")
    ?.report(
      "loss",
      "requirements chosen by filter state are left out; those of `rules` hold",
      "write them as rules on the request",
    );
  const reader = new Requirements(filter, providerNames);
  const rules = reader.refusals().flatMap(({ condition, rule, name }) => {
    const problem = (message: string, advice: string): ReturnType<Cursor["finding"]> =>
      rule.finding("loss", message, advice);
    return rulesOf(condition, { name, action: "deny" }, names, (finding) => findings.add(finding), problem);
  });
  const providers = [...reader.providers.values()].map((provider) =>
    reader.lenient.has(provider.name) ? { ...provider, onFailure: "ignore" as const } : provider,
  );
  return { providers, rules, payloads: reader.payloads };
}

class Requirements {
  /** By the name that the filter's configuration has. */
  readonly providers = new Map<string, JwtProvider>();
  readonly payloads = new Map<string, string>();
  /** Providers whose bad tokens count as none. */
  readonly lenient = new Set<string>();
  readonly #filter: Cursor;

  constructor(filter: Cursor, names: Names) {
    this.#filter = filter;
    const issuers = new Set<string>();
    for (const [name, cursor] of filter.entries("providers")) {
      const provider = providerOf(cursor, names, name);
      if (provider === undefined) continue;
      if (issuers.has(provider.issuer)) {
        cursor.report(
          "loss",
          `another provider has the issuer ${JSON.stringify(provider.issuer)}; this one is left out`,
          "join them",
        );
        continue;
      }
      issuers.add(provider.issuer);
      this.providers.set(name, provider);
      const payload = cursor.text("payload_in_metadata");
      if (payload !== undefined) this.payloads.set(payload, provider.name);
    }
  }

  /** For each rule, the requests that it is the first to match, and that lack what it requires. */
  refusals(): { condition: Expression; rule: Cursor; name: string }[] {
    const before: Expression[] = [];
    return this.#filter.items("rules").map((rule, i) => {
      rule.only("match", "requires", "requirement_name");
      const match = routeMatch(rule.get("match"));
      const matters = all(match, ...before.map(not));
      before.push(match);
      return { condition: all(matters, not(this.#ofRule(rule))), rule, name: `jwt-${i}` };
    });
  }

  #ofRule(rule: Cursor): Expression {
    const [requires, name] = [rule.get("requires"), rule.get("requirement_name")];
    if (requires !== undefined) return this.#requirement(requires);
    if (name === undefined) return always;
    const [, named] = this.#filter.entries("requirement_map").find(([key]) => key === name.string()) ?? [];
    if (named !== undefined) return this.#requirement(named);
    name.report("error", "requirement_map has no such name");
    return never;
  }

  #requirement(requirement: Cursor): Expression {
    requirement.only(...kinds);
    const [kind, field] = requirement.oneOf(...kinds) ?? [];
    if (field === undefined) return always;
    switch (kind) {
      case "provider_name":
        return this.#provider(field);
      case "provider_and_audiences": {
        const name = field.only("provider_name", "audiences").get("provider_name");
        const audiences = field
          .strings("audiences")
          .map((contains) => fact({ field: "claims", value: { claim: "aud", contains } }));
        return name === undefined ? never : all(this.#provider(name), any(...audiences));
      }
      case "requires_any":
        return any(...this.#each(field));
      case "requires_all": {
        const parts = this.#each(field);
        if (new Set(field.items("requirements").map(({ value }) => JSON.stringify(value))).size > 1) {
          field.report(
            "note",
            "the filter takes one token for a request, so requirements of two providers are never met together",
            "set severalTokens",
          );
        }
        return all(...parts);
      }
      case "allow_missing":
        return any(fact({ field: "principals", value: { anonymous: true } }), ...this.#alone(requirement));
      case "allow_missing_or_failed":
        for (const { name } of this.#named(requirement)) this.lenient.add(name);
        field.report("note", "a bad token of these providers counts as none for every rule");
        return always;
      default:
        return lost(
          field.finding(
            "loss",
            "tokens are always verified; one that is not good is refused",
            "let callers send good tokens, or none",
          ),
          {
            narrower: never,
            wider: always,
          },
        );
    }
  }

  #each(set: Cursor): Expression[] {
    return set
      .only("requirements")
      .items("requirements")
      .map((item) => this.#requirement(item));
  }

  #provider(name: Cursor): Expression {
    const provider = this.providers.get(name.string());
    if (provider !== undefined) return fact({ field: "principals", value: { provider: provider.name } });
    const isKnown = this.#filter.entries("providers").some(([key]) => key === name.string());
    if (!isKnown) name.report("error", "there is no such provider");
    return never;
  }

  /** `allow_missing` by itself takes the tokens of all providers; beside others, theirs. */
  #alone(requirement: Cursor): Expression[] {
    if (requirement.path.includes("requires_any") || requirement.path.includes("requiresAny")) return [];
    return [...this.providers.values()].map(({ name }) => fact({ field: "principals", value: { provider: name } }));
  }

  #named(requirement: Cursor): JwtProvider[] {
    const text = JSON.stringify(requirement.value);
    const beside = [...this.providers].filter(([name]) => text.includes(JSON.stringify(name)));
    return (beside.length > 0 ? beside : [...this.providers]).map(([, provider]) => provider);
  }
}

const kinds = [
  "provider_name",
  "provider_and_audiences",
  "requires_any",
  "requires_all",
  "allow_missing_or_failed",
  "allow_missing",
  "extract_only_without_validation",
];
