import { Status } from "../abi/enums";
import { proxy_http_call } from "../abi/imports";
import { Bytes } from "../bytes";
import { HeaderList } from "../http/header-list";
import { HeaderName } from "../http/header-name";
import { HeadersOnce } from "./headers-once";
import { httpCalls } from "./pending-http-calls";
import { Duration } from "../time";
import { HttpCallReply } from "./http-call-reply";

const tokenOut: usize = memory.data(4);

/**
 * A request to a cluster of the proxy's configuration. It is made once (in `onConfigure`, say) and sent as often as one likes:
 *
 *     const check = new HttpCall("auth").path("/check").header("x-tenant", tenant).timeout(Duration.milliseconds(200));
 *     const status = check.headerOnce(AUTHORIZATION, credentials).send(new Verdict(this));
 */
@final
export class HttpCall {
  private methodName: string = "GET";
  private pathText: string = "/";
  private authorityText: string;
  private schemeName: string = "http";
  private headers: HeaderList = new HeaderList();
  private trailers: HeaderList | null = null;
  private timeoutMilliseconds: u32 = 0;
  private clusterName: Uint8Array;
  /** All that every request has; null when something was changed since. */
  private list: HeaderList | null = null;
  /** The same as the host reads it; null when it was not needed since. */
  private encodedHeaders: Uint8Array | null = null;
  private once: HeadersOnce | null = null;

  /** @param cluster Name of a cluster, which is also the authority unless another one is given. */
  constructor(cluster: string) {
    this.clusterName = Bytes.utf8(cluster).copy();
    this.authorityText = cluster;
  }

  /** GET unless set. */
  method(method: string): this {
    this.methodName = method;
    this.list = null;
    this.encodedHeaders = null;
    return this;
  }

  /** `/` unless set; may have a query. */
  path(path: string): this {
    this.pathText = path;
    this.list = null;
    this.encodedHeaders = null;
    return this;
  }

  /** The host that the request names. */
  authority(authority: string): this {
    this.authorityText = authority;
    this.list = null;
    this.encodedHeaders = null;
    return this;
  }

  /** What the request gives as its scheme: `http` unless set. Whether TLS is used is a matter of the cluster. */
  scheme(scheme: string): this {
    this.schemeName = scheme;
    this.list = null;
    this.encodedHeaders = null;
    return this;
  }

  /** Adds a header. The host sets `content-length`. */
  header(name: string, value: string): this {
    this.headers.add(name, value);
    this.list = null;
    this.encodedHeaders = null;
    return this;
  }

  /** Adds a header whose value need not be UTF-8. */
  headerBytes(name: string, value: Bytes): this {
    this.headers.addBytes(name, value);
    this.list = null;
    this.encodedHeaders = null;
    return this;
  }

  /**
   * Adds a header to the next request alone, in place of those that the call has under this name; `:path` and the other pseudo-headers can
   * be given too. The value is copied, into memory that every request uses again.
   */
  headerOnce(name: HeaderName, value: Bytes): this {
    let once = this.once;
    if (once === null) {
      once = new HeadersOnce();
      this.once = once;
    }
    once.add(name, value);
    return this;
  }

  /** Adds a trailer. */
  trailer(name: string, value: string): this {
    let trailers = this.trailers;
    if (trailers === null) {
      trailers = new HeaderList();
      this.trailers = trailers;
    }
    trailers.add(name, value);
    return this;
  }

  /** How long the upstream has to answer in full. Zero, as when it is not set, is forever. */
  timeout(timeout: Duration): this {
    this.timeoutMilliseconds = timeout.hostMilliseconds;
    return this;
  }

  /**
   * Sends the request. The reply is called in a later callback, for the stream (or the root context) that sends now; it is not
   * called when that stream is gone by then.
   * @param reply Null when the answer does not matter.
   * @param body Empty when left out.
   * @returns Other than `Status.Ok` when nothing is sent and the reply will not be called: `BadArgument` for a cluster that the
   * proxy does not know, `InternalFailure` where the request failed at once, as when no endpoint of the cluster is healthy.
   */
  send(reply: HttpCallReply | null, body: Bytes | null = null): Status {
    const headers = this.encode();
    const trailers = this.trailers;
    const trailing = trailers === null ? Bytes.at(0, 0) : trailers.encode();
    const status = proxy_http_call(
      this.clusterName.dataStart,
      this.clusterName.length,
      headers.pointer,
      headers.size,
      body === null ? 0 : body.pointer,
      body === null ? 0 : body.size,
      trailing.pointer,
      trailing.size,
      this.timeoutMilliseconds,
      tokenOut,
    );
    if (status == Status.Ok && reply !== null) httpCalls.add(load<u32>(tokenOut), reply);
    return status;
  }

  private encode(): Bytes {
    const once = this.once;
    if (once !== null && !once.isEmpty) {
      const encoded = once.encodeOver(this.allHeaders());
      once.clear();
      return encoded;
    }
    let encoded = this.encodedHeaders;
    if (encoded === null) {
      encoded = this.allHeaders().encode().copy();
      this.encodedHeaders = encoded;
    }
    return Bytes.of(encoded);
  }

  private allHeaders(): HeaderList {
    const known = this.list;
    if (known !== null) return known;
    const list = new HeaderList()
      .add(":method", this.methodName)
      .add(":path", this.pathText)
      .add(":authority", this.authorityText)
      .add(":scheme", this.schemeName)
      .addAll(this.headers);
    this.list = list;
    return list;
  }
}
