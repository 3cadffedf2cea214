import { ServerInterceptingCall, status as Code, type Metadata, type ServerInterceptor } from "@grpc/grpc-js";
import type { AuthContext } from "@grpc/grpc-js/build/src/auth-context.js";
import { certificateIdentity } from "./access.ts";
import { urisOf } from "./authority.ts";
import { formatIdentity, type Identity } from "./identity.ts";
import { TOKEN_HEADER, type PodIdentity, type SidecarTokens } from "./sidecar-tokens.ts";

/** What is known of a gRPC call's client. */
export interface GrpcCaller {
  getAuthContext(): AuthContext;
  readonly metadata: Metadata;
}

/** Who a node says it is. */
export interface ClaimedNode {
  readonly id: string;
  readonly cluster: string;
}

type Call = Parameters<ServerInterceptor>[1];

/** Lets only sidecars of one trust domain in, each as itself. */
export class Admission {
  readonly #trustDomain: string;
  readonly #tokens: SidecarTokens | undefined;

  /** @param tokens by which sidecars may come that have no certificate; without it, none may. */
  constructor(trustDomain: string, tokens?: SidecarTokens) {
    this.#trustDomain = trustDomain;
    this.#tokens = tokens;
  }

  /** Ends a call without a verified certificate or a good token with UNAUTHENTICATED, before any service sees it. */
  get interceptor(): ServerInterceptor {
    return (_, call) => {
      let release: (() => void) | undefined;
      return new ServerInterceptingCall(call, {
        start: (next) => {
          if (call.getAuthContext().sslPeerCertificate !== undefined) {
            next();
            return;
          }
          next({
            onReceiveMetadata: (metadata, go) => {
              void this.#admit(call, metadata).then((admitted) => {
                release = admitted;
                if (admitted !== undefined) go(metadata);
              });
            },
            onCancel: () => release?.(),
          });
        },
        sendStatus: (status, next) => {
          release?.();
          next(status);
        },
      });
    };
  }

  /** @returns what is to be called at the end of the call; undefined for one that was ended. */
  async #admit(call: Call, metadata: Metadata): Promise<(() => void) | undefined> {
    const end = (details: string, code = Code.UNAUTHENTICATED): void => call.sendStatus({ code, details });
    const token = tokenOf(metadata);
    if (this.#tokens === undefined || token === undefined) {
      const other = this.#tokens === undefined ? "" : `, or a token in ${TOKEN_HEADER}`;
      end(`a client certificate is required, issued by an authority that this control plane trusts${other}`);
      return undefined;
    }
    try {
      const answer = await this.#tokens.admit(token);
      if (typeof answer !== "string") return this.#tokens.use(token, { end });
      end(`the token is refused: ${answer}`);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      end(`the token cannot be reviewed now: ${reason}`, Code.UNAVAILABLE);
    }
    return undefined;
  }

  /** Who calls, to count its streams: a certificate may be shared by all sidecars of a Service, so with its address. */
  peerOf(caller: Pick<GrpcCaller, "getAuthContext"> & { getPeer(): string }): string | undefined {
    const certificate = caller.getAuthContext().sslPeerCertificate;
    const address = caller.getPeer().replace(/:\d+$/, "");
    if (certificate === undefined) return this.#tokens === undefined ? undefined : `who has a token at ${address}`;
    const [uri = "a certificate without a URI"] = urisOf(certificate.raw);
    return `${uri} at ${address}`;
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
    if (identity?.kind === "pod")
      return `spiffe://${this.#trustDomain}/ns/${identity.namespace}/sa/${identity.account}/pod/${identity.name}`;
    const isSidecar = identity?.kind === "sidecar" || identity?.kind === "service";
    return isSidecar ? formatIdentity(this.#trustDomain, identity) : undefined;
  }

  /** Why a caller may not act as a node; undefined if it may. */
  refusal(node: ClaimedNode, caller: GrpcCaller): string | undefined {
    const identity = this.#identityOf(caller);
    if (identity?.kind === "pod") {
      const id = identity.node;
      return node.id === id
        ? undefined
        : `the token is that of the pod "${id}", but the node says that its id is "${node.id}"`;
    }
    if (identity?.kind !== "sidecar" && identity?.kind !== "service")
      return `the certificate names no sidecar of the trust domain ${this.#trustDomain}`;
    const { service } = identity;
    if (node.cluster !== service)
      return `the certificate is one of Service ${service}, but the node says that its cluster is "${node.cluster}"`;
    if (identity.kind === "sidecar" && identity.node !== node.id)
      return `the certificate is that of the node "${identity.node}", but the node says that its id is "${node.id}"`;
    return undefined;
  }

  #identityOf(caller: GrpcCaller): Identity | PodIdentity | undefined {
    const certificate = caller.getAuthContext().sslPeerCertificate;
    if (certificate !== undefined) {
      const identity = certificateIdentity(this.#trustDomain, certificate.raw);
      // A pod may have any service account of its namespace as its name, and the names of Services are not kept from accounts.
      return identity?.kind === "service" && this.#tokens !== undefined ? undefined : identity;
    }
    const token = tokenOf(caller.metadata);
    return token === undefined ? undefined : this.#tokens?.known(token);
  }
}

function tokenOf(metadata: Metadata): string | undefined {
  const [token, ...more] = metadata.get(TOKEN_HEADER);
  return typeof token === "string" && more.length === 0 ? token : undefined;
}
