/** Type URLs of the xDS resources that have a service of their own. The protocol code works with any other type as well. */
export const TypeUrl = {
  cluster: "type.googleapis.com/envoy.config.cluster.v3.Cluster",
  endpoint: "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment",
  listener: "type.googleapis.com/envoy.config.listener.v3.Listener",
  extensionConfig: "type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig",
  scopedRoute: "type.googleapis.com/envoy.config.route.v3.ScopedRouteConfiguration",
  route: "type.googleapis.com/envoy.config.route.v3.RouteConfiguration",
  virtualHost: "type.googleapis.com/envoy.config.route.v3.VirtualHost",
  runtime: "type.googleapis.com/envoy.service.runtime.v3.Runtime",
  secret: "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret",
} as const;

/**
 * The types that every snapshot serves, even with no resource of it, in the order in which changes are pushed. A proxy
 * that asks for a type of this list gets an answer (if only that there is nothing); one that asks for a type which its
 * snapshot does not serve gets none.
 */
export const SERVED_TYPES: readonly string[] = [
  TypeUrl.secret,
  TypeUrl.cluster,
  TypeUrl.endpoint,
  TypeUrl.listener,
  TypeUrl.extensionConfig,
  TypeUrl.scopedRoute,
  TypeUrl.route,
  TypeUrl.virtualHost,
  TypeUrl.runtime,
];

/** The name of a type without its package, such as `Cluster`. */
export function typeNameOf(typeUrl: string): string {
  return typeUrl.slice(typeUrl.lastIndexOf(".") + 1);
}

/**
 * Types whose state-of-the-world responses hold everything the client subscribed to: what is absent is deleted.
 * For every other type absence says nothing.
 */
export function isFullStateType(typeUrl: string): boolean {
  return typeUrl === TypeUrl.cluster || typeUrl === TypeUrl.listener;
}
