import { ServerInterceptingCall, status as Code, type ServerInterceptor } from "@grpc/grpc-js";
import type { AuthContext } from "@grpc/grpc-js/build/src/auth-context.js";
import { certificateIdentity } from "./access.ts";
import { urisOf } from "./authority.ts";
import { formatIdentity, type Identity } from "./identity.ts";

/** What is known of a gRPC call's client. */
export interface GrpcCaller {
  getAuthContext(): AuthContext;
}

/** Who a node says it is. */
export interface ClaimedNode {
  readonly id: string;
  readonly cluster: string;
}

/** Lets only sidecars of one trust domain in, each as itself. */
export class Admission {
  readonly #trustDomain: string;

  constructor(trustDomain: string) {
    this.#trustDomain = trustDomain;
  }

  /** Ends a call without a verified certificate with UNAUTHENTICATED, before any service sees it. */
  get interceptor(): ServerInterceptor {
    return (_, call) =>
      new ServerInterceptingCall(call, {
        start: (next) => {
          const certificate = call.getAuthContext().sslPeerCertificate;
          if (certificate === undefined) {
            const details = "a client certificate is required, issued by an authority that this control plane trusts";
            next({ onReceiveMetadata: () => call.sendStatus({ code: Code.UNAUTHENTICATED, details }) });
            return;
          }
          next();
        },
      });
  }

  /** Who calls, to count its streams: a certificate may be shared by all sidecars of a Service, so with its address. */
  peerOf(caller: GrpcCaller & { getPeer(): string }): string | undefined {
    const certificate = caller.getAuthContext().sslPeerCertificate;
    if (certificate === undefined) return undefined;
    const [uri = "a certificate without a URI"] = urisOf(certificate.raw);
    return `${uri} at ${caller.getPeer().replace(/:\d+$/, "")}`;
  }

  /** Why a caller may not see where all sidecars stand, which those with a role in the API may; undefined if it may. */
  refusalToSeeAll(caller: GrpcCaller): string | undefined {
    return this.#identityOf(caller)?.kind === "role"
      ? undefined
      : "where sidecars stand is told to certificates of a role, such as viewer";
  }

  /** The SPIFFE ID of a sidecar, or of its Service; undefined for everybody else. */
  sidecarOf(caller: GrpcCaller): string | undefined {
    const identity = this.#identityOf(caller);
    const isSidecar = identity?.kind === "sidecar" || identity?.kind === "service";
    return isSidecar ? formatIdentity(this.#trustDomain, identity) : undefined;
  }

  /** Why a caller may not act as a node; undefined if it may. */
  refusal(node: ClaimedNode, caller: GrpcCaller): string | undefined {
    const identity = this.#identityOf(caller);
    if (identity?.kind !== "sidecar" && identity?.kind !== "service")
      return `the certificate names no sidecar of the trust domain ${this.#trustDomain}`;
    const { service } = identity;
    if (node.cluster !== service)
      return `the certificate is one of Service ${service}, but the node says that its cluster is "${node.cluster}"`;
    if (identity.kind === "sidecar" && identity.node !== node.id)
      return `the certificate is that of the node "${identity.node}", but the node says that its id is "${node.id}"`;
    return undefined;
  }

  #identityOf(caller: GrpcCaller): Identity | undefined {
    const certificate = caller.getAuthContext().sslPeerCertificate;
    return certificate && certificateIdentity(this.#trustDomain, certificate.raw);
  }
}
