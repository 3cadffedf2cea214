import { Bytes } from "../bytes";
import { ProtobufWriter } from "../encoding/protobuf";

/** Where a gRPC service is: `envoy.config.core.v3.GrpcService`. */
@final
export class GrpcService {
  private constructor(private readonly message: Uint8Array) {}

  /**
   * The service at a cluster of the proxy's configuration, which has to speak HTTP/2.
   * @param authority What requests name as their host; the name of the cluster when empty.
   */
  static cluster(cluster: string, authority: string = ""): GrpcService {
    // Envoy takes a plain name as well, but reads one that happens to be a message as that message.
    const envoyGrpc = ProtobufWriter.create().string(1, cluster);
    if (authority.length) envoyGrpc.string(2, authority);
    return GrpcService.of(ProtobufWriter.create().bytes(1, envoyGrpc.message).message);
  }

  /** A serialized `envoy.config.core.v3.GrpcService`, from a configuration say. */
  static of(message: Bytes): GrpcService {
    return new GrpcService(message.copy());
  }

  get pointer(): usize {
    return this.message.dataStart;
  }

  get size(): i32 {
    return this.message.length;
  }
}
