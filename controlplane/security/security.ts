import type { Server as HttpsServer } from "node:https";
import { hostname } from "node:os";
import type { RequestListener } from "node:http";
import type { ServerCredentials, ServerInterceptor } from "@grpc/grpc-js";
import { SecureAccess, type HttpAccess } from "./access.ts";
import { Admission } from "./admission.ts";
import { Authority, CertificateError } from "./authority.ts";
import { readsCertificateOnce } from "./certificate-once.ts";
import { CertificateWatch, type PeerConnections } from "./certificate-watch.ts";
import { DEFAULT_TRUST_DOMAIN, formatIdentity } from "./identity.ts";
import { Renewal } from "./renewal.ts";
import { openStateAuthority } from "./state-authority.ts";
import { Polled, readKeyPair, readRevoked, readTrust, type KeyPairFiles } from "./tls-files.ts";
import { TlsIdentity } from "./tls-server.ts";
import { SidecarTokens, type TokenReviewer } from "./sidecar-tokens.ts";
import { MAX_STREAMS, StreamLimit } from "./stream-limit.ts";
import { TokenStore } from "./tokens.ts";

export interface SecurityOptions {
  /** Where tokens are kept, and the authority that is made when none is given. */
  readonly stateFolder: string;
  /** Default: {@link DEFAULT_TRUST_DOMAIN}. */
  readonly trustDomain?: string;
  /** The authority that issues certificates; with `serverCertificate` and `trust`, it may be left out, and nothing is issued. */
  readonly authority?: KeyPairFiles;
  /** File with the authorities whose certificates are believed. Default: the authority that issues. */
  readonly trust?: string;
  /** File with serial numbers of certificates that are believed no more; see {@link parseRevoked}. Default: none. */
  readonly revoked?: string;
  /** What the control plane shows. Default: a certificate that its authority issues. */
  readonly serverCertificate?: KeyPairFiles;
  /** Names and IP addresses under which the control plane is reached, for its certificate. */
  readonly hosts?: readonly string[];
  /** How often files are looked at. Default: 5 s. */
  readonly pollMs?: number;
  /** How long a certificate of the control plane itself is good for. Default: 30 days. */
  readonly serverLifetimeMs?: number;
  /** How long the certificate of a Service's sidecars is good for. Default: 24 hours. */
  readonly workloadLifetimeMs?: number;
  /** How many streams one peer may have open. Default: {@link MAX_STREAMS}. */
  readonly maxStreams?: number;
  /** Knows the tokens of sidecars that have no certificate. Default: they need one. */
  readonly sidecarTokens?: TokenReviewer;
  readonly log: SecurityLog;
}

/** What of a logger is needed. */
export interface SecurityLog {
  info(message: string): void;
  error(fields: object, message: string): void;
}

const day = 86_400_000;

/** The certificates of a control plane, and who may do what in it. */
export class Security {
  readonly trustDomain: string;
  /** Issues certificates; undefined when only certificates of others are used. */
  readonly authority: Authority | undefined;
  readonly workloadLifetimeMs: number | undefined;
  readonly tokens: TokenStore;
  readonly access: HttpAccess;
  readonly admission: Admission;
  /** What each gRPC call passes before a service sees it. */
  readonly interceptors: readonly ServerInterceptor[];
  /** Ends what a certificate was good for when it is good no more. */
  readonly certificates: CertificateWatch;
  readonly #tls: TlsIdentity;
  readonly #stops: readonly (() => void)[];
  readonly #trustListeners = new Set<() => void>();

  private constructor(
    trustDomain: string,
    authority: Authority | undefined,
    tokens: TokenStore,
    tls: TlsIdentity,
    stops: readonly (() => void)[],
    workloadLifetimeMs: number | undefined,
    maxStreams: number,
    certificates: CertificateWatch,
    sidecarTokens: SidecarTokens | undefined,
  ) {
    this.certificates = certificates;
    this.workloadLifetimeMs = workloadLifetimeMs;
    this.trustDomain = trustDomain;
    this.authority = authority;
    this.tokens = tokens;
    this.access = new SecureAccess(trustDomain, tokens, certificates, sidecarTokens);
    const admission = new Admission(trustDomain, sidecarTokens);
    this.admission = admission;
    const limit = new StreamLimit(maxStreams, (call) => admission.peerOf(call));
    this.interceptors = [readsCertificateOnce, admission.interceptor, certificates.interceptor, limit.interceptor];
    this.#tls = tls;
    this.#stops = stops;
  }

  /** @throws CertificateError when a certificate or key cannot be used. */
  static async open(options: SecurityOptions): Promise<Security> {
    const { log, pollMs = 5_000, trustDomain = DEFAULT_TRUST_DOMAIN, stateFolder } = options;
    const failed = (error: Error): void =>
      log.error({ err: error }, `${error.message}; what was there before is still used`);
    const authority = await openAuthority(options, trustDomain);
    if (authority === undefined && (options.serverCertificate === undefined || options.trust === undefined))
      throw new CertificateError("without an authority, a server's certificate and what to trust must be given");

    const stops: (() => void)[] = [];
    const files = options.trust;
    const trust = files === undefined ? undefined : new Polled(() => readTrust(files), pollMs, failed);
    if (trust !== undefined) stops.push(() => trust.stop());
    const trusted = trust?.current ?? authority?.certificate ?? "";
    let tls: TlsIdentity;
    if (options.serverCertificate !== undefined) {
      const pair = options.serverCertificate;
      const polled = new Polled(() => readKeyPair(pair), pollMs, failed);
      stops.push(() => polled.stop());
      tls = new TlsIdentity(polled.current, trusted);
      polled.onChange((keyPair) => {
        tls.update({ keyPair });
        log.info(`new connections get the certificate that is now in ${pair.certificate}`);
      });
    } else {
      const renewal = await Renewal.start({
        issue: () => issueServer(authority, trustDomain, options),
        onRenewed: (keyPair) => tls.update({ keyPair }),
        onError: failed,
      });
      stops.push(() => renewal.stop());
      tls = new TlsIdentity(renewal.current, trusted);
    }
    const list = options.revoked;
    const revoked = list === undefined ? undefined : new Polled(() => readRevoked(list), pollMs, failed);
    const certificates = new CertificateWatch(trusted, new Set(revoked?.current), pollMs);
    stops.push(
      () => revoked?.stop(),
      () => certificates.stop(),
    );
    revoked?.onChange((serials) => {
      certificates.update({ revoked: new Set(serials) });
      log.info(`${serials.length} certificates are revoked by now`);
    });
    const sidecarTokens = options.sidecarTokens && new SidecarTokens(options.sidecarTokens, { everyMs: pollMs });
    stops.push(() => sidecarTokens?.stop());
    const security = new Security(
      trustDomain,
      authority,
      new TokenStore(stateFolder),
      tls,
      stops,
      options.workloadLifetimeMs,
      options.maxStreams ?? MAX_STREAMS,
      certificates,
      sidecarTokens,
    );
    trust?.onChange((now) => {
      tls.update({ trust: now });
      certificates.update({ trust: now });
      for (const listener of security.#trustListeners) listener();
      log.info(`the authorities that are trusted are now those in ${files ?? ""}`);
    });
    return security;
  }

  /** Certificates of the authorities that are trusted, as PEM. */
  get trust(): string {
    return this.#tls.trust;
  }

  /** What the control plane shows now, as PEM. */
  get certificate(): string {
    return this.#tls.certificate;
  }

  onTrustChange(listener: () => void): void {
    this.#trustListeners.add(listener);
  }

  httpsServer(listener: RequestListener): HttpsServer {
    return this.#tls.httpsServer(listener);
  }

  /** The connections of the gRPC server, of which some may have to end. */
  watchConnections(connections: PeerConnections): void {
    this.certificates.use(connections);
  }

  grpcCredentials(): ServerCredentials {
    return this.#tls.grpcCredentials();
  }

  close(): void {
    for (const stop of this.#stops) stop();
  }
}

async function openAuthority(options: SecurityOptions, trustDomain: string): Promise<Authority | undefined> {
  if (options.authority !== undefined) return Authority.load(readKeyPair(options.authority));
  if (options.serverCertificate !== undefined && options.trust !== undefined) return undefined;
  return Authority.load(await openStateAuthority(options.stateFolder, trustDomain));
}

function issueServer(
  authority: Authority | undefined,
  trustDomain: string,
  options: SecurityOptions,
): ReturnType<Authority["issue"]> {
  if (authority === undefined) throw new CertificateError("there is no authority to issue a server's certificate");
  const everywhere = ["0.0.0.0", "::"];
  const hosts = ["localhost", "127.0.0.1", "::1", hostname(), ...(options.hosts ?? [])];
  return authority.issue({
    uri: formatIdentity(trustDomain, { kind: "control-plane" }),
    hosts: [...new Set(hosts)].filter((host) => !everywhere.includes(host)),
    lifetimeMs: options.serverLifetimeMs ?? 30 * day,
  });
}
