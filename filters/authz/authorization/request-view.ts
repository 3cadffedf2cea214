// What rules look at.

import {
  Bytes,
  HeaderName,
  Property,
  attributes,
  currentTimeNanoseconds,
  requestHeaders,
} from "proxy-wasm-assemblyscript-sdk";
import { addressHigh, addressLow, parseAddress } from "../../common/cidr";
import { clientAddress, forwardedAddress, withoutPort } from "../../common/client-address";
import { hostOf } from "./host-match";
import { RequestPath } from "./request-path";

const METHOD: HeaderName = new HeaderName(":method");
const AUTHORITY: HeaderName = new HeaderName(":authority");

/** An address, and whether it is one at all. */
@unmanaged
@final
export class AddressView {
  isRead: bool;
  isGood: bool;
  high: u64;
  low: u64;
}

/**
 * The current request. What costs a call of the host is read when a rule first asks for it. To be made anew in each callback: what it
 * has is memory of that.
 */
@final
export class RequestView {
  method: Bytes = changetype<Bytes>(0);
  host: Bytes = changetype<Bytes>(0);
  path: RequestPath = changetype<RequestPath>(0);
  /** The whole `:path`. */
  target: Bytes = changetype<Bytes>(0);
  readonly source: AddressView = changetype<AddressView>(memory.data(offsetof<AddressView>()));
  readonly peer: AddressView = changetype<AddressView>(memory.data(offsetof<AddressView>()));
  private uri: Bytes | null = null;
  private uriRead: bool = false;
  private dns: Bytes | null = null;
  private dnsRead: bool = false;
  private subject: Bytes | null = null;
  private subjectRead: bool = false;
  private portNumber: i64 = -1;
  private portRead: bool = false;
  private timeRead: u64 = 0;
  private peerState: Property | null = null;

  /**
   * @param trustedHops How many entries on the right of `x-forwarded-for` are of trusted proxies, Envoy's own among them.
   * @param peerState Key of the filter state that has the address of the connection's other end; may be empty.
   */
  constructor(
    private trustedHops: i32,
    peerState: string,
  ) {
    if (peerState.length) this.peerState = new Property(["filter_state", peerState]);
  }

  /** Looks at the request of this callback. */
  begin(target: Bytes, path: RequestPath): void {
    const method = requestHeaders.find(METHOD);
    const authority = requestHeaders.find(AUTHORITY);
    this.method = method === null ? Bytes.at(0, 0) : method;
    this.host = authority === null ? Bytes.at(0, 0) : hostOf(authority);
    this.path = path;
    this.target = target;
    this.source.isRead = false;
    this.peer.isRead = false;
    this.uriRead = false;
    this.dnsRead = false;
    this.subjectRead = false;
    this.portRead = false;
    this.timeRead = 0;
  }

  /** The client: the peer, or with trusted hops what the farthest of them wrote, and nothing where it is not there. */
  sourceAddress(): AddressView {
    const view = this.source;
    if (view.isRead) return view;
    const forwarded = this.trustedHops > 0 ? forwardedAddress(this.trustedHops) : clientAddress(0);
    readAddress(view, forwarded === null ? null : withoutPort(forwarded));
    return view;
  }

  /**
   * The other end of the connection. What Envoy tells a filter of itself is the client as it sees it, which can be an entry of
   * `x-forwarded-for`; the address itself is to be had from a filter state only, if the configuration names one. Nothing takes its place.
   */
  peerAddress(): AddressView {
    const view = this.peer;
    if (view.isRead) return view;
    const state = this.peerState;
    if (state === null) {
      readAddress(view, clientAddress(0));
    } else {
      const address = state.bytes();
      readAddress(view, address === null ? null : withoutPort(address));
    }
    return view;
  }

  /** The first URI among the subject alternative names of the client's certificate, or null. */
  peerUri(): Bytes | null {
    if (!this.uriRead) {
      this.uri = attributes.connection.uriSanPeerCertificate.bytes();
      this.uriRead = true;
    }
    return this.uri;
  }

  /** The first DNS name among the subject alternative names of the client's certificate, or null. */
  peerDns(): Bytes | null {
    if (!this.dnsRead) {
      this.dns = attributes.connection.dnsSanPeerCertificate.bytes();
      this.dnsRead = true;
    }
    return this.dns;
  }

  /** The subject of the client's certificate, or null. */
  peerSubject(): Bytes | null {
    if (!this.subjectRead) {
      this.subject = attributes.connection.subjectPeerCertificate.bytes();
      this.subjectRead = true;
    }
    return this.subject;
  }

  /** The port of Envoy's end of the connection; -1 where the host does not know it. */
  port(): i64 {
    if (!this.portRead) {
      this.portNumber = attributes.destination.port.i64(-1);
      this.portRead = true;
    }
    return this.portNumber;
  }

  /** Nanoseconds since 1970. */
  time(): u64 {
    if (this.timeRead == 0) this.timeRead = currentTimeNanoseconds();
    return this.timeRead;
  }
}

function readAddress(view: AddressView, text: Bytes | null): void {
  view.isRead = true;
  view.isGood = text !== null && parseAddress(text);
  view.high = addressHigh;
  view.low = addressLow;
}
