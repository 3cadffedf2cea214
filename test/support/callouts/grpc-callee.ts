import {
  Metadata,
  Server,
  ServerCredentials,
  status as Code,
  type MethodDefinition,
  type ServerDuplexStream,
  type ServerUnaryCall,
  type sendUnaryData,
} from "@grpc/grpc-js";

type Unary = (call: ServerUnaryCall<string, string>, answer: sendUnaryData<string>) => void;
type Chat = (call: ServerDuplexStream<string, string>) => void;

/** What a filter's gRPC calls reach. Messages are text. */
export class GrpcCallee {
  readonly port: number;
  readonly #server: Server;
  readonly #calls: Calls;

  private constructor(port: number, server: Server, calls: Calls) {
    this.port = port;
    this.#server = server;
    this.#calls = calls;
  }

  static async start(): Promise<GrpcCallee> {
    const calls = new Calls();
    const server = new Server();
    const definitions: Record<string, MethodDefinition<string, string>> = {};
    const handlers: Record<string, Unary | Chat> = {};
    for (const [name, handler] of Object.entries(unary(calls))) {
      definitions[name] = definition(name, false);
      handlers[name] = handler;
    }
    for (const [name, handler] of Object.entries(chats(calls))) {
      definitions[name] = definition(name, true);
      handlers[name] = handler;
    }
    server.addService(definitions, handlers);
    const port = await new Promise<number>((resolve, reject) => {
      server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) => {
        if (error === null) resolve(bound);
        else reject(error);
      });
    });
    return new GrpcCallee(port, server, calls);
  }

  /** Waits until a call that is held has come, and gives what tells of its end. */
  async held(): Promise<{ readonly cancelled: Promise<void> }> {
    return await this.#calls.next();
  }

  stop(): void {
    this.#server.forceShutdown();
  }
}

/** Calls that are held until the caller cancels them. */
class Calls {
  readonly #waiting: { readonly cancelled: Promise<void> }[] = [];
  #came: () => void = () => undefined;

  hold(call: ServerUnaryCall<string, string> | ServerDuplexStream<string, string>): void {
    this.#waiting.push({ cancelled: new Promise((resolve) => call.on("cancelled", () => resolve())) });
    this.#came();
  }

  async next(): Promise<{ readonly cancelled: Promise<void> }> {
    for (;;) {
      const call = this.#waiting.shift();
      if (call !== undefined) return call;
      await new Promise<void>((resolve) => (this.#came = resolve));
    }
  }
}

const unary = (calls: Calls): Record<string, Unary> => ({
  Echo: (call, answer) => answer(null, `${call.request} from ${String(call.metadata.get("x-asks")[0])}`),
  Empty: (_call, answer) => answer(null, ""),
  Authority: (call, answer) => answer(null, call.getHost()),
  Fail: (_call, answer) => answer({ code: Code.PERMISSION_DENIED, details: "not for you" }),
  Never: () => undefined,
  Gate: (call) => calls.hold(call),
});

const chats = (calls: Calls): Record<string, Chat> => ({
  Count: (call) => {
    begin(call);
    call.on("data", (count: string) => {
      for (let i = 1; i <= Number(count); ++i) call.write(String(i));
      call.end(trailing());
    });
  },
  Collect: (call) => {
    begin(call);
    const messages: string[] = [];
    call.on("data", (message: string) => messages.push(message));
    call.on("end", () => {
      call.write(messages.join("+"));
      call.end(trailing());
    });
  },
  PingPong: (call) => {
    begin(call);
    call.on("data", (message: string) => call.write(message.replace("ping", "pong")));
    call.on("end", () => call.end(trailing()));
  },
  EndAtOnce: (call) => {
    begin(call);
    call.emit("error", { code: Code.RESOURCE_EXHAUSTED, details: "enough", metadata: trailing() });
  },
  Hold: (call) => {
    begin(call);
    call.on("error", () => undefined);
    call.on("data", () => calls.hold(call));
  },
});

function begin(call: ServerDuplexStream<string, string>): void {
  const metadata = new Metadata();
  metadata.set("x-initial", "first");
  call.sendMetadata(metadata);
}

function trailing(): Metadata {
  const metadata = new Metadata();
  metadata.set("x-trailing", "last");
  return metadata;
}

function definition(name: string, isStream: boolean): MethodDefinition<string, string> {
  const serialize = (text: string): Buffer => Buffer.from(text);
  const deserialize = (bytes: Buffer): string => bytes.toString();
  return {
    path: `/test.Callee/${name}`,
    requestStream: isStream,
    responseStream: isStream,
    requestSerialize: serialize,
    requestDeserialize: deserialize,
    responseSerialize: serialize,
    responseDeserialize: deserialize,
  };
}
