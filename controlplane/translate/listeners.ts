import { create } from "@bufbuild/protobuf";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { anyPack } from "@bufbuild/protobuf/wkt";
import { TrafficDirection, type TransportSocket } from "#gen/envoy/config/core/v3/base_pb.js";
import type { Filter, FilterChain } from "#gen/envoy/config/listener/v3/listener_components_pb.js";
import {
  FilterChainMatchSchema,
  FilterChainSchema,
  ListenerFilterSchema,
} from "#gen/envoy/config/listener/v3/listener_components_pb.js";
import { ListenerSchema } from "#gen/envoy/config/listener/v3/listener_pb.js";
import { TlsInspectorSchema } from "#gen/envoy/extensions/filters/listener/tls_inspector/v3/tls_inspector_pb.js";
import { RouterSchema } from "#gen/envoy/extensions/filters/http/router/v3/router_pb.js";
import type {
  HttpConnectionManager,
  HttpFilter,
} from "#gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.js";
import {
  HttpConnectionManager_ForwardClientCertDetails,
  HttpConnectionManager_PathWithEscapedSlashesAction,
  HttpConnectionManager_SetCurrentClientCertDetailsSchema,
  HttpConnectionManager_ServerHeaderTransformation,
  HttpConnectionManagerSchema,
  HttpFilterSchema,
} from "#gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.js";
import type { Endpoint, MeshSpec, ServedService, Sidecar } from "../model/index.ts";
import type { Resource } from "../xds/index.ts";
import type { ConnectionLimits } from "./connection-limits.ts";
import { fromAds, resourceOf, socketAddress } from "./messages.ts";
import { MESH_SERVER_NAME, mtlsOf, serverSocket, type TrustDomains } from "./mtls.ts";
import { inboundSocket } from "./own-tls.ts";
import { inboundListenerName, inboundRouteName, outboundRouteName } from "./names.ts";
import type { TranslationSettings } from "./settings.ts";
import { notOfTheMesh } from "./outsiders.ts";
import { routeFilters } from "./route-filters.ts";
import type { ManagerTelemetry } from "./telemetry.ts";
import { passthroughFilter } from "./unknown-hosts.ts";

/** What a connection manager tells, and how long it waits. */
export type ManagerOptions = ManagerTelemetry & ConnectionLimits;

type ConnectionManager = MessageInitShape<typeof HttpConnectionManagerSchema>;

/**
 * Takes requests to a port of the application.
 *
 * Its peers are other sidecars. Each has appended the address of its client to x-forwarded-for, and the last address there
 * is believed: filters and the application see the client, not the sidecar. What stands before it may be forged. Nothing
 * is appended here, and x-request-id is kept. A peer that is no sidecar could name any address, so the port must be open
 * to sidecars only.
 */
export function inboundListener(
  service: ServedService,
  endpoint: Endpoint,
  sidecar: Sidecar,
  filters: readonly HttpFilter[],
  settings: TranslationSettings,
  trustDomains: TrustDomains | undefined,
  options: ManagerOptions = {},
): Resource {
  const name = inboundListenerName(service);
  const address = socketAddress(sidecar.address ?? endpoint.address, sidecar.inboundPort);
  const mode = mtlsOf(service, settings);
  const manager: ConnectionManager = {
    // One prefix for all ports: what sidecars count together is what judges a rollout. Clusters count by port.
    ...connectionManager("inbound", inboundRouteName(service), filters),
    // The last hop in x-forwarded-for is the client; xff_num_trusted_hops would count further back from there.
    useRemoteAddress: false,
    xffNumTrustedHops: 0,
    ...options,
  };
  const chains: FilterChain[] = [];
  if (trustDomains !== undefined && mode !== "Off") {
    const secured = create(HttpConnectionManagerSchema, manager);
    // The application learns who calls, and never what a caller claims of it.
    secured.forwardClientCertDetails = HttpConnectionManager_ForwardClientCertDetails.SANITIZE_SET;
    secured.setCurrentClientCertDetails = create(HttpConnectionManager_SetCurrentClientCertDetailsSchema, {
      uri: true,
    });
    const serverNames = service.spec.inboundTls === undefined ? [] : [MESH_SERVER_NAME];
    chains.push(filterChain(secured, serverSocket(trustDomains), { transportProtocol: "tls", serverNames }));
  }
  const { inboundTls } = service.spec;
  if (inboundTls !== undefined) {
    const open = create(HttpConnectionManagerSchema, manager);
    // Who is not of the mesh may say anything of where a request comes from, and is not believed.
    open.useRemoteAddress = true;
    open.forwardClientCertDetails = HttpConnectionManager_ForwardClientCertDetails.SANITIZE;
    const before: Filter[] = [];
    if (inboundTls.trust !== undefined) {
      open.forwardClientCertDetails = HttpConnectionManager_ForwardClientCertDetails.SANITIZE_SET;
      open.setCurrentClientCertDetails = create(HttpConnectionManager_SetCurrentClientCertDetailsSchema, {
        ...{ subject: true, uri: true, dns: true },
      });
      if (trustDomains !== undefined) before.push(notOfTheMesh(trustDomains));
    }
    chains.push(filterChain(open, inboundSocket(inboundTls), { transportProtocol: "tls" }, before));
  }
  if (mode !== "Strict") {
    const plain = create(HttpConnectionManagerSchema, manager);
    chains.push(filterChain(plain, undefined, { transportProtocol: "raw_buffer" }));
  }
  const message = create(ListenerSchema, {
    name,
    trafficDirection: TrafficDirection.INBOUND,
    address,
    filterChains: chains,
    listenerFilters: chains.length > 1 ? [create(ListenerFilterSchema, tlsInspector)] : [],
  });
  // With one chain there is nothing to find out, and nothing that could be misread.
  if (chains.length === 1) for (const chain of message.filterChains) delete chain.filterChainMatch;
  return resourceOf(ListenerSchema, name, message);
}

const tlsInspector: MessageInitShape<typeof ListenerFilterSchema> = {
  name: "envoy.filters.listener.tls_inspector",
  configType: { case: "typedConfig", value: anyPack(TlsInspectorSchema, create(TlsInspectorSchema)) },
};

/**
 * Takes the application's requests to other Services; it is also the way in for clients outside the mesh.
 *
 * What they say of themselves is not believed: the address of the connection is the client's, it is appended to
 * x-forwarded-for (for a client on loopback, the address of the machine), and Envoy's own x-envoy- headers are removed.
 * x-request-id is kept, as applications pass it on.
 */
export function outboundListener(
  sidecar: Sidecar,
  port: number,
  filters: readonly HttpFilter[],
  unknownHosts: MeshSpec["unknownHosts"],
  options: ManagerOptions = {},
): Resource {
  const last = unknownHosts === "Passthrough" ? [passthroughFilter] : [];
  return listener("outbound", TrafficDirection.OUTBOUND, socketAddress(sidecar.outboundAddress, port), {
    // Before the filters of policies: a preflight request has no credentials, and a session is no matter of theirs.
    ...connectionManager("outbound", outboundRouteName, [...routeFilters, ...filters, ...last]),
    useRemoteAddress: true,
    preserveExternalRequestId: true,
    ...options,
  });
}

function connectionManager(statPrefix: string, routeName: string, filters: readonly HttpFilter[]): ConnectionManager {
  return {
    statPrefix,
    routeSpecifier: { case: "rds", value: { routeConfigName: routeName, configSource: fromAds() } },
    httpFilters: [...filters, router],
    // Routes, filters and the application must read a path in one way. Escaped slashes have no reading that all share,
    // so a path with one is refused with 400.
    normalizePath: true,
    mergeSlashes: true,
    pathWithEscapedSlashesAction: HttpConnectionManager_PathWithEscapedSlashesAction.REJECT_REQUEST,
    serverHeaderTransformation: HttpConnectionManager_ServerHeaderTransformation.PASS_THROUGH,
    generateRequestId: true,
    // A WebSocket begins as a request, and is routed and filtered as one.
    upgradeConfigs: [{ upgradeType: "websocket" }],
  };
}

export const router: HttpFilter = create(HttpFilterSchema, {
  name: "envoy.filters.http.router",
  configType: { case: "typedConfig", value: anyPack(RouterSchema, create(RouterSchema)) },
});

export function listener(
  name: string,
  trafficDirection: TrafficDirection,
  address: MessageInitShape<typeof ListenerSchema>["address"] & object,
  manager: ConnectionManager,
): Resource {
  const message = create(ListenerSchema, {
    name,
    trafficDirection,
    address,
    filterChains: [filterChain(create(HttpConnectionManagerSchema, manager))],
  });
  return resourceOf(ListenerSchema, name, message);
}

function filterChain(
  manager: HttpConnectionManager,
  transportSocket?: TransportSocket,
  filterChainMatch?: MessageInitShape<typeof FilterChainMatchSchema>,
  before: readonly Filter[] = [],
): FilterChain {
  const typedConfig = anyPack(HttpConnectionManagerSchema, manager);
  return create(FilterChainSchema, {
    ...(transportSocket === undefined ? {} : { transportSocket }),
    ...(filterChainMatch === undefined ? {} : { filterChainMatch: create(FilterChainMatchSchema, filterChainMatch) }),
    filters: [
      ...before,
      { name: HttpConnectionManagerSchema.typeName, configType: { case: "typedConfig", value: typedConfig } },
    ],
  });
}
