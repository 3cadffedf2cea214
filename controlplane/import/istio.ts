import type { Document } from "../model/document.ts";
import type { Action, Configuration, JwtProvider, Rule } from "./configuration.ts";
import { Cursor } from "./cursor.ts";
import type { Expression } from "./expression.ts";
import type { Findings } from "./finding.ts";
import { providerOf } from "./istio-authentication.ts";
import { ruleCondition } from "./istio-policy.ts";
import { applies, targetName, targets, type Scope } from "./istio-targets.ts";
import type { IstioContext } from "./istio-values.ts";
import { Names, ruleForNobody, rulesOf } from "./rules.ts";
import { importWasmPlugins, isWasmPlugin } from "./istio-wasm-plugin.ts";
import type { Imported, ImportOptions } from "./index.ts";

interface Resource extends Scope {
  readonly kind: "AuthorizationPolicy" | "RequestAuthentication";
  readonly name: string;
  readonly root: Cursor;
  readonly spec: Cursor | undefined;
}

/** Translates the AuthorizationPolicies, RequestAuthentications and WasmPlugins among the documents. */
export function importIstio(documents: readonly Document[], findings: Findings, options: ImportOptions): Imported[] {
  const roots = documents.map((document) => Cursor.ofResource(document, findings));
  return [
    ...importPolicies(
      roots.filter((root) => !isWasmPlugin(root)),
      findings,
      options,
    ),
    ...importWasmPlugins(roots.filter(isWasmPlugin)),
  ];
}

function importPolicies(roots: readonly Cursor[], findings: Findings, options: ImportOptions): Imported[] {
  const resources = roots.flatMap((root) => resourceOf(root) ?? []);
  const sets = targets(resources, options.rootNamespace);
  if (sets === undefined) {
    resources[0]?.root.report(
      "error",
      "the selectors make too many sets of workloads",
      "import one namespace at a time",
    );
    return [];
  }
  return sets.map((target) => {
    const here = resources.filter((resource) => applies(resource, target, options.rootNamespace));
    return {
      name: targetName(target),
      filter: "authz" as const,
      target,
      configuration: configurationOf(here, findings, options),
    };
  });
}

function resourceOf(root: Cursor): Resource | undefined {
  const kind = root.text("kind");
  const version = root.text("apiVersion") ?? "";
  if (
    !version.startsWith("security.istio.io/") ||
    (kind !== "AuthorizationPolicy" && kind !== "RequestAuthentication")
  ) {
    root.report("note", `${kind ?? "a document without kind"} of ${version || "no apiVersion"} is passed over`);
    return undefined;
  }
  if (!/^security\.istio\.io\/v1(beta1)?$/.test(version))
    root.get("apiVersion")?.report("error", "expected v1 or v1beta1");
  root.only("apiVersion", "kind", "metadata", "spec", "status");
  const metadata = root.get("metadata");
  const spec = root.get("spec");
  const selector = spec?.get("selector")?.only("matchLabels");
  for (const reference of [spec?.get("targetRef"), spec?.get("targetRefs")]) {
    if (reference === undefined) continue;
    reference.report(
      "loss",
      "a policy for a gateway or waypoint is left out whole",
      "write it with a selector of its pods",
    );
    return undefined;
  }
  const labels = Object.fromEntries(
    (selector?.entries("matchLabels") ?? []).map(([name, value]) => [name, value.string()]),
  );
  return {
    kind,
    root,
    spec,
    labels,
    name: metadata?.text("name") ?? "unnamed",
    namespace: metadata?.text("namespace") ?? "default",
  };
}

function configurationOf(resources: readonly Resource[], findings: Findings, options: ImportOptions): Configuration {
  const names = new Names();
  const providers = providersOf(resources.filter(({ kind }) => kind === "RequestAuthentication"));
  const issuers = new Set(providers.map(({ issuer }) => issuer));
  const { trustDomain, trustedHops } = options;
  const policies = resources.filter(({ kind }) => kind === "AuthorizationPolicy");
  const rules = policies.flatMap((policy) => {
    const { namespace } = policy;
    return policyRules(policy, { trustDomain, trustedHops, namespace, issuers }, names, findings);
  });
  if (rules.length === 0) rules.push({ name: names.unique("everybody"), action: "allow", principals: [{ any: true }] });
  return {
    ...(providers.length > 0 ? { jwtProviders: providers } : {}),
    evaluation: "precedence",
    rules,
  };
}

function providersOf(resources: readonly Resource[]): JwtProvider[] {
  const names = new Names();
  const providers = new Map<string, JwtProvider>();
  for (const { name, spec } of resources) {
    spec?.only("selector", "targetRef", "targetRefs", "jwtRules");
    for (const rule of spec?.items("jwtRules") ?? []) {
      const provider = providerOf(rule, names, name);
      if (provider === undefined) continue;
      if (providers.has(provider.issuer)) {
        rule.report(
          "loss",
          `another rule has the issuer ${JSON.stringify(provider.issuer)}; this one is left out`,
          "join them",
        );
      } else {
        providers.set(provider.issuer, provider);
      }
    }
  }
  return [...providers.values()];
}

const actions: Readonly<Record<string, Action>> = { ALLOW: "allow", DENY: "deny", AUDIT: "audit", CUSTOM: "external" };

function policyRules({ name, root, spec }: Resource, context: IstioContext, names: Names, findings: Findings): Rule[] {
  spec?.only("selector", "targetRef", "targetRefs", "action", "provider", "rules");
  const action = actions[spec?.text("action") ?? "ALLOW"];
  if (action === undefined) {
    spec?.get("action")?.report("error", "expected ALLOW, DENY, AUDIT or CUSTOM");
    return [];
  }
  const annotations = new Map(root.get("metadata")?.entries("annotations") ?? []);
  const isDryRun = annotations.get("istio.io/dry-run")?.value;
  const shadow = isDryRun === "true" || isDryRun === true;
  const provider = spec?.get("provider")?.only("name");
  if (action === "external") {
    (provider ?? root).report(
      "loss",
      "where the service that decides is reached is in the mesh's configuration; what matches is refused",
      "describe it in externalAuthorizers, and make the deny rules of this policy external",
    );
  }
  const head = { action: action === "external" ? ("deny" as const) : action, ...(shadow ? { shadow } : {}) };
  const rules = (spec?.items("rules") ?? []).flatMap((rule, i) => {
    const condition: Expression = ruleCondition(rule, context);
    const problem = (message: string, advice: string): ReturnType<Cursor["finding"]> =>
      rule.finding("loss", message, advice);
    return rulesOf(condition, { name: `${name}-${i}`, ...head }, names, (finding) => findings.add(finding), problem);
  });
  // A policy that allows counts by being there: without a rule nobody passes any more.
  if (action === "allow" && rules.length === 0 && !shadow) return [ruleForNobody(names, `${name}-nobody`)];
  return rules;
}
