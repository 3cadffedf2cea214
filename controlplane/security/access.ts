import type { IncomingMessage } from "node:http";
import { isIP } from "node:net";
import { TLSSocket } from "node:tls";
import { urisOf } from "./authority.ts";
import type { CertificateWatch } from "./certificate-watch.ts";
import { connectedAt } from "./tls-server.ts";
import { parseIdentity, type Identity, type Role } from "./identity.ts";
import { TOKEN_HEADER, type SidecarTokens } from "./sidecar-tokens.ts";
import type { TokenStore } from "./tokens.ts";

/** Who sent a request to the API, and what it may do. */
export interface ApiCaller {
  /** For logs and audit, such as `token ci (3f0c...)`. */
  readonly name: string;
  readonly role: Role;
}

/** Decides who a request to the HTTP server comes from. */
export interface HttpAccess {
  /** Who may use the API; undefined if the request says nobody, or somebody who is not. */
  identify(request: IncomingMessage): ApiCaller | undefined;
  /** Whether it may fetch modules. */
  mayFetchModules(request: IncomingMessage): Promise<boolean>;
}

/** The identity that a verified certificate names. SPIFFE-X.509-SVID, section 2: it has one URI, or it names nobody. */
export function certificateIdentity(trustDomain: string, der: Uint8Array): Identity | undefined {
  const [uri, ...more] = urisOf(der);
  return uri === undefined || more.length > 0 ? undefined : parseIdentity(trustDomain, uri);
}

/** Who a certificate is for, as its authority says, in characters that a log can show. */
function commonName({ socket }: IncomingMessage): string | undefined {
  const subject = socket instanceof TLSSocket ? socket.getPeerX509Certificate()?.subject : undefined;
  return /^CN=(.+)$/m
    .exec(subject ?? "")?.[1]
    ?.slice(0, 64)
    .replace(/[^\w.@ -]/g, "_");
}

/**
 * Whether a page in a browser sends a request that is not one of this server's. The browser would send a certificate, or come from this
 * machine, for any page; that says nothing of who wrote the page.
 */
function isOfAnotherSite({ headers }: IncomingMessage, scheme: "http" | "https"): boolean {
  const { host = "", origin } = headers;
  if (origin !== undefined && origin !== `${scheme}://${host}`) return true;
  const site = headers["sec-fetch-site"];
  return site === "cross-site" || site === "same-site";
}

/** By a token, or by a certificate that names a role. */
export class SecureAccess implements HttpAccess {
  readonly #trustDomain: string;
  readonly #tokens: TokenStore;
  readonly #certificates: Pick<CertificateWatch, "refusal">;
  readonly #sidecars: SidecarTokens | undefined;

  /**
   * @param certificates says which are good no more, though their connection still is.
   * @param sidecars the tokens of sidecars that have no certificate.
   */
  constructor(
    trustDomain: string,
    tokens: TokenStore,
    certificates: Pick<CertificateWatch, "refusal">,
    sidecars?: SidecarTokens,
  ) {
    this.#certificates = certificates;
    this.#sidecars = sidecars;
    this.#trustDomain = trustDomain;
    this.#tokens = tokens;
  }

  identify(request: IncomingMessage): ApiCaller | undefined {
    const { authorization } = request.headers;
    if (authorization !== undefined) {
      const text = /^Bearer +(\S+)$/i.exec(authorization)?.[1];
      const token = text === undefined ? undefined : this.#tokens.find(text);
      // A bad token is refused even if a certificate would do: the caller meant the token.
      return token === undefined ? undefined : { name: `token ${token.name} (${token.id})`, role: token.role };
    }
    const identity = this.#peer(request);
    if (identity?.kind !== "role" || isOfAnotherSite(request, "https")) return undefined;
    const name = commonName(request);
    const forWhom = name === undefined ? "" : ` (${name})`;
    return { name: `certificate of role ${identity.role}${forWhom}`, role: identity.role };
  }

  async mayFetchModules(request: IncomingMessage): Promise<boolean> {
    const kind = this.#peer(request)?.kind;
    if (kind === "sidecar" || kind === "service" || this.identify(request) !== undefined) return true;
    const token = request.headers[TOKEN_HEADER];
    if (this.#sidecars === undefined || typeof token !== "string") return false;
    try {
      return typeof (await this.#sidecars.admit(token)) !== "string";
    } catch {
      // It tries again, as it does after any refusal.
      return false;
    }
  }

  #peer({ socket }: IncomingMessage): Identity | undefined {
    if (!(socket instanceof TLSSocket) || !socket.authorized) return undefined;
    const certificate = socket.getPeerX509Certificate();
    if (certificate === undefined || this.#certificates.refusal(certificate, connectedAt(socket)) !== undefined)
      return undefined;
    return certificateIdentity(this.#trustDomain, certificate.raw);
  }
}

/**
 * Everybody may do everything, which is for one's own machine. Pages in a browser there are not everybody: one of another origin
 * is refused, also if it has made its name resolve to this machine.
 */
export class InsecureAccess implements HttpAccess {
  readonly #hosts: ReadonlySet<string>;

  /** @param hosts names under which the server is reached; IP addresses and `localhost` always are. */
  constructor(hosts: readonly string[]) {
    this.#hosts = new Set(["localhost", ...hosts]);
  }

  identify(request: IncomingMessage): ApiCaller | undefined {
    const { headers } = request;
    const host = headers.host ?? "";
    const name = host.replace(/:\d+$/, "").replace(/^\[(.*)\]$/, "$1");
    if (host !== "" && isIP(name) === 0 && !this.#hosts.has(name)) return undefined;
    if (isOfAnotherSite(request, "http")) return undefined;
    return { name: "anonymous", role: "admin" };
  }

  mayFetchModules(): Promise<boolean> {
    return Promise.resolve(true);
  }
}
