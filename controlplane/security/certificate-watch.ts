import { X509Certificate } from "node:crypto";
import { ServerInterceptingCall, status as Code, type ServerInterceptor } from "@grpc/grpc-js";
import { certificatesOf } from "./authority.ts";
import { readCertificate } from "./read-certificate.ts";

type Call = Parameters<ServerInterceptor>[1];

/** The connections that calls come by. */
export interface PeerConnections {
  /** When that of a peer began, by `performance.now()`. */
  since(peer: string): number | undefined;
  /** Ends that of a peer, after so many milliseconds. */
  end(peer: string, graceMs: number): void;
}

/** What ends a call has this long to reach the client, before its connection ends. */
const GRACE_MS = 500;

/**
 * A certificate is verified when its connection begins, and the connection may last for long after. This looks again: at each call, at each
 * request, and now and then at all calls that are open, whether the certificate has ended, was revoked, or is of an authority that is
 * trusted no more.
 */
export class CertificateWatch {
  #connections: PeerConnections | undefined;
  #trusted: readonly X509Certificate[];
  #revoked: ReadonlySet<string>;
  /** When an authority was last taken away. */
  #withdrawnAt = -Infinity;
  readonly #calls = new Map<Call, X509Certificate>();
  readonly #timer: NodeJS.Timeout;

  /**
   * @param trust the authorities, as PEM.
   * @param revoked serial numbers.
   * @param everyMs how often open calls are looked at.
   */
  constructor(trust: string, revoked: ReadonlySet<string>, everyMs: number) {
    this.#trusted = read(trust);
    this.#revoked = revoked;
    this.#timer = setInterval(() => this.look(), everyMs);
    this.#timer.unref();
  }

  /** To end the connections too: else a client tries again and again on one that is refused. */
  use(connections: PeerConnections): void {
    this.#connections = connections;
  }

  update(change: { readonly trust?: string; readonly revoked?: ReadonlySet<string> }): void {
    if (change.trust !== undefined) {
      const before = this.#trusted;
      this.#trusted = read(change.trust);
      const isGone = before.some(({ raw }) => !this.#trusted.some((now) => now.raw.equals(raw)));
      if (isGone) this.#withdrawnAt = performance.now();
    }
    this.#revoked = change.revoked ?? this.#revoked;
    this.look();
  }

  /**
   * Why a certificate that was verified once is believed no more; undefined if it is.
   * @param since when its connection began, by `performance.now()`.
   */
  refusal(certificate: X509Certificate, since: number | undefined): string | undefined {
    if (Date.parse(certificate.validTo) <= Date.now())
      return `the client's certificate ended at ${certificate.validTo}`;
    if (this.#revoked.has(normalized(certificate.serialNumber))) {
      return `the client's certificate ${certificate.serialNumber} is revoked`;
    }
    if (since !== undefined && since > this.#withdrawnAt) return undefined;
    // Of one with others between it and its authority nobody can say any more: it is verified anew when it connects again.
    const isTrusted = this.#trusted.some((one) => certificate.checkIssued(one) && certificate.verify(one.publicKey));
    return isTrusted ? undefined : "the authority of the client's certificate is trusted no more: connect again";
  }

  /** Ends with UNAUTHENTICATED what is refused, with its connection. Calls without a certificate are none of its business. */
  get interceptor(): ServerInterceptor {
    return (_, call) => {
      return new ServerInterceptingCall(call, {
        start: (next) => {
          const raw = call.getAuthContext().sslPeerCertificate?.raw;
          const certificate = raw && readCertificate(raw);
          const refusal = certificate && this.#refusalOf(call, certificate);
          if (refusal !== undefined) {
            next({ onReceiveMetadata: () => this.#end(call, refusal) });
            return;
          }
          if (certificate !== undefined) this.#calls.set(call, certificate);
          next({
            onCancel: () => {
              this.#calls.delete(call);
            },
          });
        },
        sendStatus: (status, next) => {
          this.#calls.delete(call);
          next(status);
        },
      });
    };
  }

  /** Looks at all calls that are open. */
  look(): void {
    for (const [call, certificate] of this.#calls) {
      const refusal = this.#refusalOf(call, certificate);
      if (refusal === undefined) continue;
      this.#calls.delete(call);
      this.#end(call, refusal);
    }
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #refusalOf(call: Call, certificate: X509Certificate): string | undefined {
    return this.refusal(certificate, this.#connections?.since(call.getPeer()));
  }

  #end(call: Call, details: string): void {
    call.sendStatus({ code: Code.UNAUTHENTICATED, details });
    this.#connections?.end(call.getPeer(), GRACE_MS);
  }
}

function read(trust: string): X509Certificate[] {
  return certificatesOf(trust).map((one) => new X509Certificate(one));
}

/** Without what people and programs write otherwise: letters, colons, zeros at the front. */
function normalized(serial: string): string {
  return serial
    .replace(/[:\s]/g, "")
    .replace(/^0x/i, "")
    .toUpperCase()
    .replace(/^0+(?=.)/, "");
}

/**
 * Reads serial numbers of certificates, in hexadecimal as `openssl x509 -serial` shows them: one a line, `#` begins a comment.
 * @throws RangeError with the line.
 */
export function parseRevoked(text: string): ReadonlySet<string> {
  const serials = new Set<string>();
  text.split("\n").forEach((line, i) => {
    const serial = line
      .replace(/#.*$/, "")
      .trim()
      .replace(/^serial=/i, "");
    if (serial === "") return;
    if (!/^(0x)?[0-9a-f]{1,2}(:?[0-9a-f]{1,2})*$/i.test(serial)) {
      throw new RangeError(`line ${i + 1}: expected a serial number in hexadecimal, found ${JSON.stringify(serial)}`);
    }
    serials.add(normalized(serial));
  });
  return serials;
}
