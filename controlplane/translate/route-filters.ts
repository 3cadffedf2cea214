import { create } from "@bufbuild/protobuf";
import type { DescMessage, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import { anyPack, durationFromMs } from "@bufbuild/protobuf/wkt";
import type { Any } from "@bufbuild/protobuf/wkt";
import { RuntimeFractionalPercentSchema } from "#gen/envoy/config/core/v3/base_pb.js";
import type { RuntimeFractionalPercent } from "#gen/envoy/config/core/v3/base_pb.js";
import { RouteAction_RequestMirrorPolicySchema } from "#gen/envoy/config/route/v3/route_components_pb.js";
import type { RouteAction_RequestMirrorPolicy } from "#gen/envoy/config/route/v3/route_components_pb.js";
import { CorsPolicySchema, CorsSchema } from "#gen/envoy/extensions/filters/http/cors/v3/cors_pb.js";
import {
  StatefulSessionPerRouteSchema,
  StatefulSessionSchema,
} from "#gen/envoy/extensions/filters/http/stateful_session/v3/stateful_session_pb.js";
import type { HttpFilter } from "#gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.js";
import { HttpFilterSchema } from "#gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.js";
import { CookieBasedSessionStateSchema } from "#gen/envoy/extensions/http/stateful_session/cookie/v3/cookie_pb.js";
import { HeaderBasedSessionStateSchema } from "#gen/envoy/extensions/http/stateful_session/header/v3/header_pb.js";
import type { StringMatcherSchema } from "#gen/envoy/type/matcher/v3/string_pb.js";
import { FractionalPercent_DenominatorType } from "#gen/envoy/type/v3/percent_pb.js";
import { durationMilliseconds } from "../model/index.ts";
import type { CORS, RequestMirror, SessionPersistence } from "../model/index.ts";
import { outboundName } from "./names.ts";

const corsFilter = "envoy.filters.http.cors";
const sessionFilter = "envoy.filters.http.stateful_session";

/**
 * The filters that routes configure. They are in every outbound listener, so that it does not change with a route, and
 * disabled: Envoy makes them for requests only whose route has a configuration for them.
 */
export const routeFilters: readonly HttpFilter[] = [
  disabledFilter(corsFilter, CorsSchema, create(CorsSchema)),
  disabledFilter(sessionFilter, StatefulSessionSchema, create(StatefulSessionSchema)),
];

function disabledFilter<Desc extends DescMessage>(name: string, schema: Desc, message: MessageShape<Desc>): HttpFilter {
  const configType = { case: "typedConfig", value: anyPack(schema, message) } as const;
  return create(HttpFilterSchema, { name, disabled: true, configType });
}

type PerFilterConfig = Readonly<Record<string, Any>>;

export function corsConfig(cors: CORS): PerFilterConfig {
  const policy = create(CorsPolicySchema, {
    allowOriginStringMatch: cors.allowOrigins.map(originMatcher),
    allowMethods: cors.allowMethods.join(", "),
    allowHeaders: cors.allowHeaders.join(", "),
    exposeHeaders: cors.exposeHeaders.join(", "),
    maxAge: String(cors.maxAge),
    allowCredentials: cors.allowCredentials,
    // A preflight request of another origin is answered here too, without the headers that would allow it anything.
    forwardNotMatchingPreflights: false,
  });
  return { [corsFilter]: anyPack(CorsPolicySchema, policy) };
}

/** Browsers leave the port out where it is that of the scheme. A wildcard stands for any labels to its left. */
function originMatcher(origin: string): MessageInitShape<typeof StringMatcherSchema> {
  if (origin === "*") return { matchPattern: { case: "safeRegex", value: { regex: ".*" } } };
  const [, scheme = "", host = "", port] = /^(https?):\/\/([^:]+)(?::(\d+))?$/.exec(origin.toLowerCase()) ?? [];
  const standard = scheme === "https" ? "443" : "80";
  const suffix = port === undefined || port === standard ? `(:${standard})?` : `:${port}`;
  const pattern = host.replaceAll(".", "\\.").replace("*", "[^/]+");
  return { matchPattern: { case: "safeRegex", value: { regex: `${scheme}://${pattern}${suffix}` } } };
}

/** @param route the name of the route, for cookies and headers that have none of their own. */
export function sessionConfig(session: SessionPersistence, route: string): PerFilterConfig {
  const { type, cookie, header, absoluteTimeout } = session;
  const ownName = `meshwright-session-${route.replaceAll(/[^a-z0-9-]/g, "-")}`;
  const isPermanent = cookie?.lifetimeType === "Permanent";
  const typedConfig =
    type === "Header"
      ? anyPack(HeaderBasedSessionStateSchema, create(HeaderBasedSessionStateSchema, { name: header?.name ?? ownName }))
      : anyPack(
          CookieBasedSessionStateSchema,
          create(CookieBasedSessionStateSchema, {
            cookie: {
              name: cookie?.name ?? ownName,
              path: cookie?.path ?? "/",
              ...(isPermanent ? { ttl: durationFromMs(durationMilliseconds(absoluteTimeout ?? "0s")) } : {}),
            },
          }),
        );
  const state = {
    name: type === "Header" ? "envoy.http.stateful_session.header" : "envoy.http.stateful_session.cookie",
  };
  const perRoute = create(StatefulSessionPerRouteSchema, {
    override: { case: "statefulSession", value: { sessionState: { ...state, typedConfig } } },
  });
  return { [sessionFilter]: anyPack(StatefulSessionPerRouteSchema, perRoute) };
}

export function mirrorPolicy({ backendRef, percent, fraction }: RequestMirror): RouteAction_RequestMirrorPolicy {
  const share = fraction === undefined ? (percent ?? 100) / 100 : fraction.numerator / fraction.denominator;
  return create(RouteAction_RequestMirrorPolicySchema, {
    cluster: outboundName(backendRef.name, backendRef.port),
    ...(share === 1 ? {} : { runtimeFraction: runtimeFraction(share) }),
    // The copy is to be like the original.
    disableShadowHostSuffixAppend: true,
  });
}

/** A share of all requests, to a millionth. */
export function runtimeFraction(share: number): RuntimeFractionalPercent {
  const { MILLION } = FractionalPercent_DenominatorType;
  return create(RuntimeFractionalPercentSchema, {
    defaultValue: { numerator: Math.round(share * 1_000_000), denominator: MILLION },
  });
}
