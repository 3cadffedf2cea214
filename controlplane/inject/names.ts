import { podAnnotations } from "../kubernetes/objects.ts";

/** Names that a cluster and an injected pod share with the control plane. */

/** The label of a namespace whose pods get a sidecar: `enabled`. */
export const NAMESPACE_LABEL = "meshwright.dev/injection";
/** The label or annotation of a pod that wants a sidecar, or none, whatever its namespace says: `true` or `false`. */
export const INJECT = "meshwright.dev/inject";
/** The annotation of a pod that has a sidecar: `true`. */
export const INJECTED = podAnnotations.injected;
/** The annotation that names the Service of a pod which several select. */
export const SERVICE = podAnnotations.service;
/** The annotation that says where the sidecar takes requests to the application. */
export const INBOUND_PORT = podAnnotations.inboundPort;
/** The annotation that says where it takes what is redirected: ports of the application with its own, such as `8080=15006,9000=15100`. */
export const REDIRECTED = podAnnotations.redirected;
/** The annotation that says where the sidecar takes the application's requests. */
export const OUTBOUND_PORT = podAnnotations.outboundPort;
/** The annotation that turns the redirection of connections on or off for a pod: `true` or `false`. */
export const REDIRECT = "meshwright.dev/redirect";
/** Annotations with the ports whose connections are redirected, such as `80,8080`. */
export const REDIRECT_INBOUND = "meshwright.dev/redirect-inbound-ports";
export const REDIRECT_OUTBOUND = "meshwright.dev/redirect-outbound-ports";
/** The annotation from which the sidecar's file about its token is made. */
export const TOKEN_SECRET = "meshwright.dev/token-secret";

/** The sidecar, as a container. */
export const SIDECAR = "meshwright";
/** The init container that redirects connections. */
export const REDIRECTOR = "meshwright-redirect";
/** The volume of the sidecar's token. */
export const TOKEN_VOLUME = "meshwright-token";
/** Whom the token is for; the control plane takes no other. */
export const TOKEN_AUDIENCE = "meshwright";
