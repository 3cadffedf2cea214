import { create } from "@bufbuild/protobuf";
import {
  RedirectAction_RedirectResponseCode,
  RedirectActionSchema,
} from "#gen/envoy/config/route/v3/route_components_pb.js";
import type { RedirectAction, RouteAction } from "#gen/envoy/config/route/v3/route_components_pb.js";
import { RegexMatchAndSubstituteSchema } from "#gen/envoy/type/matcher/v3/regex_pb.js";
import type { RegexMatchAndSubstitute } from "#gen/envoy/type/matcher/v3/regex_pb.js";
import type { PathModifier, RequestRedirect, URLRewrite } from "../model/index.ts";

const responseCodes: Readonly<Record<RequestRedirect["statusCode"], RedirectAction_RedirectResponseCode>> = {
  301: RedirectAction_RedirectResponseCode.MOVED_PERMANENTLY,
  302: RedirectAction_RedirectResponseCode.FOUND,
  303: RedirectAction_RedirectResponseCode.SEE_OTHER,
  307: RedirectAction_RedirectResponseCode.TEMPORARY_REDIRECT,
  308: RedirectAction_RedirectResponseCode.PERMANENT_REDIRECT,
};

/** @param prefix what the rule's match takes, without a slash at the end. */
export function redirectAction(redirect: RequestRedirect, prefix: string, servicePort: number): RedirectAction {
  const { scheme, hostname = "", path, statusCode } = redirect;
  return create(RedirectActionSchema, {
    ...(scheme === undefined ? {} : { schemeRewriteSpecifier: { case: "schemeRedirect", value: scheme } }),
    hostRedirect: hostname,
    portRedirect: redirectPort(redirect, servicePort),
    ...(path === undefined ? {} : { pathRewriteSpecifier: redirectPath(path, prefix) }),
    responseCode: responseCodes[statusCode],
  });
}

const wellKnownPorts = { http: 80, https: 443 } as const;

/**
 * The port in the Location (HTTPRequestRedirectFilter, "port"), or 0 where none is to be written. Where no hostname is given
 * the client's own host is taken, and with it whatever port it has written there, unless another one is written over it.
 */
function redirectPort({ scheme, hostname, port }: RequestRedirect, servicePort: number): number {
  const inherited = hostname === undefined && scheme === undefined;
  const final = port ?? (scheme !== undefined ? wellKnownPorts[scheme] : inherited ? 0 : servicePort);
  const isWellKnown = final === wellKnownPorts[scheme ?? "http"];
  return isWellKnown && hostname !== undefined ? 0 : final;
}

function redirectPath(path: PathModifier, prefix: string): RedirectAction["pathRewriteSpecifier"] {
  if (path.type === "ReplaceFullPath") return { case: "pathRedirect", value: path.replaceFullPath };
  const change = prefixChange(path.replacePrefixMatch, prefix);
  if (typeof change !== "string") return { case: "regexRewrite", value: change };
  return change === "" ? { case: undefined } : { case: "prefixRewrite", value: change };
}

/**
 * Changes what a route sends on.
 *
 * @param prefix what the rule's match takes, without a slash at the end.
 */
export function rewrite(action: RouteAction, { hostname, path }: URLRewrite, prefix: string): void {
  if (hostname !== undefined) action.hostRewriteSpecifier = { case: "hostRewriteLiteral", value: hostname };
  if (path === undefined) return;
  const change =
    path.type === "ReplaceFullPath"
      ? regexRewrite("^.*$", path.replaceFullPath)
      : prefixChange(path.replacePrefixMatch, prefix);
  // Those of a backend replace those of its rule.
  action.prefixRewrite = typeof change === "string" ? change : "";
  if (typeof change === "string") delete action.regexRewrite;
  else action.regexRewrite = change;
}

/**
 * Replaces whole path elements (HTTPPathModifier has the table): a prefix rewrite of Envoy's, which is empty where nothing
 * is to be done, or a regular expression. Envoy puts what it replaces by before the rest of the path as it is, so a prefix
 * that is to vanish must take the slash behind it along.
 */
function prefixChange(replacement: string, prefix: string): string | RegexMatchAndSubstitute {
  const value = replacement.replace(/\/$/, "");
  if (prefix === "") return value === "" ? "" : `${value}/`;
  return value === "" ? regexRewrite(`^${prefix.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&")}/?`, "/") : value;
}

function regexRewrite(regex: string, substitution: string): RegexMatchAndSubstitute {
  return create(RegexMatchAndSubstituteSchema, { pattern: { regex }, substitution });
}
