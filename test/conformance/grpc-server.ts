import * as grpc from "@grpc/grpc-js";
import { rawMethod } from "../../controlplane/xds/index.ts";

/** What a gRPC server does when a call has come. */
export interface GrpcAnswer {
  readonly initialMetadata?: Readonly<Record<string, string>>;
  readonly messages?: readonly string[];
  /** Undefined: the server goes on waiting. */
  readonly status?: number;
  readonly message?: string;
  readonly trailers?: Readonly<Record<string, string>>;
  /** The server answers when the client has sent its last message, and sends the messages back before its own. */
  readonly echo?: boolean;
}

/** The answers of the server, by path. */
export const GRPC_ANSWERS = {
  "/s/ok": { initialMetadata: { "x-a": "1" }, messages: ["pong"], status: 0, trailers: { "x-t": "2" } },
  "/s/empty": { messages: [""], status: 0 },
  "/s/refuse": { status: 7, message: "no\u00e9", trailers: { "x-t": "3" } },
  "/s/refuse-late": { initialMetadata: { "x-a": "1" }, messages: ["pong"], status: 9, message: "late" },
  "/s/silent": {},
  "/s/several": {
    initialMetadata: { "x-a": "1" },
    messages: ["one", "", "three"],
    status: 0,
    trailers: { "x-t": "4" },
  },
  "/s/echo": { initialMetadata: { "x-a": "1" }, messages: ["end"], status: 0, trailers: { "x-t": "5" }, echo: true },
} as const satisfies Record<string, GrpcAnswer>;

export type GrpcPath = keyof typeof GRPC_ANSWERS;

/** A gRPC server on a free port of loopback. */
export class GrpcServer {
  readonly #server = new grpc.Server();
  readonly port: number;

  private constructor(server: grpc.Server, port: number) {
    this.#server = server;
    this.port = port;
  }

  static async start(): Promise<GrpcServer> {
    const server = new grpc.Server();
    const paths = Object.entries<GrpcAnswer>(GRPC_ANSWERS);
    server.addService(
      Object.fromEntries(paths.map(([path]) => [path, rawMethod(path, true)])),
      Object.fromEntries(
        paths.map(([path, answer]) => [path, (call: grpc.ServerDuplexStream<Buffer, Buffer>) => serve(call, answer)]),
      ),
    );
    const port = await new Promise<number>((resolve, reject) => {
      server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, bound) => {
        if (error === null) resolve(bound);
        else reject(error);
      });
    });
    return new GrpcServer(server, port);
  }

  stop(): void {
    this.#server.forceShutdown();
  }
}

function serve(call: grpc.ServerDuplexStream<Buffer, Buffer>, answer: GrpcAnswer): void {
  const echoed: Buffer[] = [];
  call.on("error", () => undefined);
  call.on("data", (message: Buffer) => echoed.push(message));
  const end = (): void => {
    const { initialMetadata, messages = [], status, message = "", trailers = {} } = answer;
    if (initialMetadata !== undefined) call.sendMetadata(metadata(initialMetadata));
    for (const item of answer.echo ? [...echoed, ...messages.map(bytes)] : messages.map(bytes)) call.write(item);
    if (status === undefined) return;
    if (status === 0) call.end(metadata(trailers));
    else call.emit("error", { code: status, details: message, metadata: metadata(trailers) });
  };
  if (answer.echo) call.on("end", end);
  else end();
}

const bytes = (text: string): Buffer => Buffer.from(text);

function metadata(entries: Readonly<Record<string, string>>): grpc.Metadata {
  const result = new grpc.Metadata();
  for (const [name, value] of Object.entries(entries)) result.set(name, value);
  return result;
}
