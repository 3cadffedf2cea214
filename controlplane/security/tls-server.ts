import { createServer, type Server as HttpsServer } from "node:https";
import type { RequestListener } from "node:http";
import type { Socket } from "node:net";
import type { SecureContextOptions } from "node:tls";
import { experimental, type ServerCredentials } from "@grpc/grpc-js";
import { Queue } from "../xds/index.ts";
import type { KeyPair } from "./authority.ts";

const connections = new WeakMap<object, number>();

/** When a connection to an HTTPS server of this process began, by `performance.now()`. */
export function connectedAt(socket: object): number | undefined {
  return connections.get(socket);
}

/** When all sidecars fetch a module at once, their handshakes leave turns to the streams of xDS. */
function paceHandshakes(server: HttpsServer): void {
  const begin = server.listeners("connection") as ((this: HttpsServer, socket: Socket) => void)[];
  const beginning = new Queue<Socket>((socket) => {
    if (!socket.destroyed) for (const listener of begin) listener.call(server, socket);
  });
  server.removeAllListeners("connection");
  server.on("connection", (socket: Socket) => {
    // Until its handshake begins nobody else hears of it.
    socket.on("error", () => undefined);
    beginning.add([socket]);
  });
}

type CaUpdate = { readonly caCertificate: Buffer } | null;
type IdentityUpdate = { readonly certificate: Buffer; readonly privateKey: Buffer } | null;

/**
 * What TLS servers show and whom they believe. Both may change while they run: connections that there are go on, new ones get
 * the new. Also what grpc-js calls a certificate provider.
 */
export class TlsIdentity {
  #keyPair: KeyPair;
  #trust: string;
  readonly #servers = new Set<HttpsServer>();
  readonly #caListeners = new Set<(update: CaUpdate) => void>();
  readonly #identityListeners = new Set<(update: IdentityUpdate) => void>();

  /** @param trust certificates of authorities, as PEM. */
  constructor(keyPair: KeyPair, trust: string) {
    this.#keyPair = keyPair;
    this.#trust = trust;
  }

  get trust(): string {
    return this.#trust;
  }

  /** What it shows now, as PEM. */
  get certificate(): string {
    return this.#keyPair.certificate;
  }

  update(change: { readonly keyPair?: KeyPair; readonly trust?: string }): void {
    this.#keyPair = change.keyPair ?? this.#keyPair;
    this.#trust = change.trust ?? this.#trust;
    for (const server of this.#servers) server.setSecureContext(this.#context());
    for (const listener of this.#caListeners) listener(this.#caUpdate());
    for (const listener of this.#identityListeners) listener(this.#identityUpdate());
  }

  /**
   * An HTTPS server. It asks for a client's certificate and goes on without a good one: what a request may do is decided by whoever
   * answers it, from `socket.authorized`.
   */
  httpsServer(listener: RequestListener): HttpsServer {
    const server = createServer({ ...this.#context(), requestCert: true, rejectUnauthorized: false }, listener);
    paceHandshakes(server);
    this.#servers.add(server);
    server.on("secureConnection", (socket) => connections.set(socket, performance.now()));
    server.on("close", () => this.#servers.delete(server));
    return server;
  }

  /** For a gRPC server, which does likewise. */
  grpcCredentials(): ServerCredentials {
    return experimental.createCertificateProviderServerCredentials(this, this, false);
  }

  addCaCertificateListener(listener: (update: CaUpdate) => void): void {
    this.#caListeners.add(listener);
    process.nextTick(() => listener(this.#caUpdate()));
  }

  removeCaCertificateListener(listener: (update: CaUpdate) => void): void {
    this.#caListeners.delete(listener);
  }

  addIdentityCertificateListener(listener: (update: IdentityUpdate) => void): void {
    this.#identityListeners.add(listener);
    process.nextTick(() => listener(this.#identityUpdate()));
  }

  removeIdentityCertificateListener(listener: (update: IdentityUpdate) => void): void {
    this.#identityListeners.delete(listener);
  }

  #context(): SecureContextOptions {
    return { cert: this.#keyPair.certificate, key: this.#keyPair.privateKey, ca: this.#trust, minVersion: "TLSv1.2" };
  }

  #caUpdate(): CaUpdate {
    return { caCertificate: Buffer.from(this.#trust) };
  }

  #identityUpdate(): IdentityUpdate {
    return { certificate: Buffer.from(this.#keyPair.certificate), privateKey: Buffer.from(this.#keyPair.privateKey) };
  }
}
