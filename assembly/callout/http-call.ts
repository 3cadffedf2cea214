import { Status } from "../abi/enums";
import { proxy_http_call } from "../abi/imports";
import { Bytes } from "../bytes";
import { HeaderList } from "../http/header-list";
import { httpCalls } from "./pending-http-calls";
import { Duration } from "../time";
import { HttpCallReply } from "./http-call-reply";

const tokenOut: usize = memory.data(4);

/**
 * A request to a cluster of the proxy's configuration. It is made once (in `onConfigure`, say) and sent as often as one likes:
 *
 *     const check = new HttpCall("auth").post("/check").header("x-tenant", tenant).timeout(Duration.milliseconds(200));
 *     const status = check.send(new Verdict(this));
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
  /** What `send` hands to the host; null when something was changed since. */
  private encodedHeaders: Uint8Array | null = null;

  /** @param cluster Name of a cluster, which is also the authority unless another one is given. */
  constructor(cluster: string) {
    this.clusterName = Bytes.utf8(cluster).copy();
    this.authorityText = cluster;
  }

  /** GET unless set. */
  method(method: string): this {
    this.methodName = method;
    this.encodedHeaders = null;
    return this;
  }

  /** `/` unless set; may have a query. */
  path(path: string): this {
    this.pathText = path;
    this.encodedHeaders = null;
    return this;
  }

  /** The host that the request names. */
  authority(authority: string): this {
    this.authorityText = authority;
    this.encodedHeaders = null;
    return this;
  }

  /** What the request gives as its scheme: `http` unless set. Whether TLS is used is a matter of the cluster. */
  scheme(scheme: string): this {
    this.schemeName = scheme;
    this.encodedHeaders = null;
    return this;
  }

  /** Adds a header. The host sets `content-length`. */
  header(name: string, value: string): this {
    this.headers.add(name, value);
    this.encodedHeaders = null;
    return this;
  }

  /** Adds a header whose value need not be UTF-8. */
  headerBytes(name: string, value: Bytes): this {
    this.headers.addBytes(name, value);
    this.encodedHeaders = null;
    return this;
  }

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
      headers.dataStart,
      headers.length,
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

  private encode(): Uint8Array {
    const encoded = this.encodedHeaders;
    if (encoded !== null) return encoded;
    const list = new HeaderList()
      .add(":method", this.methodName)
      .add(":path", this.pathText)
      .add(":authority", this.authorityText)
      .add(":scheme", this.schemeName)
      .addAll(this.headers);
    const fresh = list.encode().copy();
    this.encodedHeaders = fresh;
    return fresh;
  }
}
