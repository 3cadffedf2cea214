// gRPC calls that a filter makes.

export { GrpcMethod } from "./method";
export { GrpcReply } from "./reply";
export { GrpcService } from "./service";
export { GrpcStream } from "./stream";
