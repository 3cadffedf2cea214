import type { TransportSocket } from "#gen/envoy/config/core/v3/base_pb.js";
import type { EndpointTls, InboundTls, ServedService } from "../model/index.ts";
import { fromAds } from "./messages.ts";
import { clientSocket, openServerSocket } from "./tls.ts";

// "|" cannot be part of a Certificate's name, nor of the names of the mesh's own secrets.

/** The secret with the certificate and the key of a Certificate. */
export function certificateSecret(certificate: string): string {
  return `certificate|${certificate}`;
}

/** The secret with the authorities of a Certificate. */
export function authoritiesSecret(certificate: string): string {
  return `authorities|${certificate}`;
}

/** The secrets that callers of Services need, and those that a sidecar needs for the ports of its own Service. */
export function ownSecrets(called: readonly ServedService[], ports: readonly ServedService[]): ReadonlySet<string> {
  const ofEndpoints = called.flatMap(({ spec: { endpointTls } }) =>
    endpointTls === undefined
      ? []
      : [
          authoritiesSecret(endpointTls.trust),
          ...(endpointTls.certificate === undefined ? [] : [certificateSecret(endpointTls.certificate)]),
        ],
  );
  return new Set([
    ...ofEndpoints,
    ...ports.flatMap(({ spec: { inboundTls } }) => (inboundTls === undefined ? [] : secretsOf(inboundTls))),
  ]);
}

function secretsOf({ certificate, trust }: InboundTls): string[] {
  return [certificateSecret(certificate), ...(trust === undefined ? [] : [authoritiesSecret(trust)])];
}

/** How a sidecar is spoken to by who is not of the mesh. */
export function inboundSocket({ certificate, trust }: InboundTls): TransportSocket {
  return openServerSocket(
    { name: certificateSecret(certificate), from: fromAds() },
    trust === undefined ? undefined : { name: authoritiesSecret(trust), from: fromAds() },
  );
}

/** How callers speak to endpoints that are not of the mesh: they go on only if these show the right name. */
export function endpointSocket(
  { hostname, trust, certificate }: EndpointTls,
  alpn: "h2" | "http/1.1",
): TransportSocket {
  return clientSocket({
    ...(certificate === undefined ? {} : { certificate: { name: certificateSecret(certificate), from: fromAds() } }),
    trust: { name: authoritiesSecret(trust), from: fromAds() },
    peers: [{ kind: "dns", value: hostname }],
    alpn: [alpn],
    serverName: hostname,
  });
}
