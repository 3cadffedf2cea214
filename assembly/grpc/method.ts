import { Status } from "../abi/enums";
import { proxy_grpc_call, proxy_grpc_stream } from "../abi/imports";
import { Bytes } from "../bytes";
import { HeaderList } from "../http/header-list";
import { Duration } from "../time";
import { grpcCalls } from "./receiver";
import { GrpcReply } from "./reply";
import { GrpcService } from "./service";
import { GrpcStream } from "./stream";

const tokenOut: usize = memory.data(4);

/** Milliseconds. Envoy tells the service of the timeout that a call has, and 0 would be one that has passed. */
// @ts-ignore: decorator
@inline const LONGEST: u32 = i32.MAX_VALUE;

/**
 * A method of a gRPC service. It is made once (in `onConfigure`, say) and called as often as one likes:
 *
 *     const check = new GrpcMethod(GrpcService.cluster("authz"), "envoy.service.auth.v3.Authorization", "Check");
 *     const status = check.timeout(Duration.milliseconds(200)).call(new Verdict(this), request);
 */
@final
export class GrpcMethod {
  private serviceName: Uint8Array;
  private methodName: Uint8Array;
  private initialMetadata: HeaderList | null = null;
  private timeoutMilliseconds: u32 = LONGEST;

  /**
   * @param serviceName With its package, as `envoy.service.auth.v3.Authorization`.
   * @param method For example `Check`.
   */
  constructor(
    private service: GrpcService,
    serviceName: string,
    method: string,
  ) {
    this.serviceName = Bytes.utf8(serviceName).copy();
    this.methodName = Bytes.utf8(method).copy();
  }

  /** Adds metadata that each call begins with. A value that is no ASCII text needs a name that ends in `-bin`, and base64. */
  metadata(name: string, value: string): this {
    let list = this.initialMetadata;
    if (list === null) {
      list = new HeaderList();
      this.initialMetadata = list;
    }
    list.add(name, value);
    return this;
  }

  /** How long a unary call may take. Zero, as when it is not set, is the longest that there is, 24 days. */
  timeout(timeout: Duration): this {
    const milliseconds = timeout.hostMilliseconds;
    this.timeoutMilliseconds = milliseconds ? milliseconds : LONGEST;
    return this;
  }

  /**
   * Calls a unary method. The reply is called in a later callback.
   * @returns Other than `Status.Ok` when the reply will not be called: `InternalFailure` where the call failed at once, as when the
   * proxy knows no such cluster or no endpoint of it is healthy; `ParseFailure` for a `GrpcService` that is none.
   */
  call(reply: GrpcReply, request: Bytes): Status {
    const metadata = this.encode();
    const status = proxy_grpc_call(
      this.service.pointer,
      this.service.size,
      this.serviceName.dataStart,
      this.serviceName.length,
      this.methodName.dataStart,
      this.methodName.length,
      metadata.pointer,
      metadata.size,
      request.pointer,
      request.size,
      this.timeoutMilliseconds,
      tokenOut,
    );
    if (status == Status.Ok) grpcCalls.add(load<u32>(tokenOut), reply);
    return status;
  }

  /**
   * Opens a stream; send and receive on it from now on.
   * @returns As `call`; `BadArgument` for a stream that is open already.
   */
  open(stream: GrpcStream): Status {
    if (stream.isOpen) return Status.BadArgument;
    const metadata = this.encode();
    const status = proxy_grpc_stream(
      this.service.pointer,
      this.service.size,
      this.serviceName.dataStart,
      this.serviceName.length,
      this.methodName.dataStart,
      this.methodName.length,
      metadata.pointer,
      metadata.size,
      tokenOut,
    );
    if (status != Status.Ok) return status;
    const token = load<u32>(tokenOut);
    grpcCalls.add(token, stream);
    stream.opened(token);
    return status;
  }

  private encode(): Bytes {
    const metadata = this.initialMetadata;
    return metadata === null ? Bytes.at(0, 0) : metadata.encode();
  }
}
