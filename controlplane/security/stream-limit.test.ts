import assert from "node:assert/strict";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { after, before, beforeEach, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Client, credentials, Metadata, Server, ServerCredentials, status as Code } from "@grpc/grpc-js";
import type { handleBidiStreamingCall, ServiceError } from "@grpc/grpc-js";
import { rawMethod } from "../xds/index.ts";
import { StreamLimit } from "./stream-limit.ts";

const method = rawMethod("/test/Stream", true);
/** Answers each message, and ends where the client does; at "fail" with an error. */
const serve: handleBidiStreamingCall<Buffer, Buffer> = (call) => {
  call.on("data", (bytes: Buffer) => {
    if (bytes.toString() === "fail") call.emit("error", { code: Code.ABORTED, details: "as you wish" });
    else call.write(bytes);
  });
  call.on("end", () => call.end());
};

let limit: StreamLimit;
let server: Server;
let port = 0;
const clients: Client[] = [];
before(async () => {
  limit = new StreamLimit(2, (call) => new Map([["127.0.0.1", "local"]]).get(call.getPeer().replace(/:\d+$/, "")));
  server = new Server({ interceptors: [limit.interceptor] });
  server.addService({ Stream: method }, { Stream: serve });
  port = await new Promise((resolve, reject) =>
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    ),
  );
});
after(() => {
  for (const client of clients) client.close();
  server.forceShutdown();
});
beforeEach(() => assert.equal(limit.peers, 0));

/** A stream on a connection of its own, once it was let in, or how it was refused. */
async function open(at = port): Promise<ReturnType<typeof start> & { readonly refusal: ServiceError | undefined }> {
  const stream = start(at);
  stream.call.write(Buffer.from("hello"));
  return { ...stream, refusal: await Promise.race([stream.ended, stream.answered]) };
}

function start(at: number) {
  const client = new Client(`127.0.0.1:${String(at)}`, credentials.createInsecure(), {
    "grpc.use_local_subchannel_pool": 1,
  });
  clients.push(client);
  const call = client.makeBidiStreamRequest(
    method.path,
    method.requestSerialize,
    method.responseDeserialize,
    new Metadata(),
  );
  const ended = new Promise<ServiceError | undefined>((resolve) => {
    call.on("error", resolve);
    call.on("end", () => resolve(undefined));
  });
  const answered = new Promise<undefined>((resolve) => call.on("data", () => resolve(undefined)));
  return { client, call, ended, answered };
}

async function untilFree(): Promise<void> {
  for (let i = 0; limit.peers > 0 && i < 400; i++) await sleep(5);
}

test("one too many is refused, over all connections, and has room once another has ended", async () => {
  const [first, second] = [await open(), await open()];
  assert.deepEqual([first.refusal, second.refusal], [undefined, undefined]);
  const third = await open();
  assert.equal(third.refusal?.code, Code.RESOURCE_EXHAUSTED);
  assert.equal(third.refusal.details, "local has 2 open streams already, which is as many as one peer may have");
  first.call.end();
  await first.ended;
  const fourth = await open();
  assert.equal(fourth.refusal, undefined);
  for (const { call } of [second, fourth]) call.end();
  await untilFree();
});

const ends: [what: string, end: (stream: Awaited<ReturnType<typeof open>>) => void][] = [
  ["the client ends it", ({ call }) => void call.end()],
  ["the client cancels it", ({ call }) => call.cancel()],
  ["the service ends it with an error", ({ call }) => void call.write(Buffer.from("fail"))],
];
for (const [what, end] of ends) {
  test(`however a stream ends, it is no longer counted: ${what}`, async () => {
    const streams = [await open(), await open()];
    assert.equal(limit.peers, 1);
    for (const stream of streams) {
      stream.call.on("error", () => undefined);
      end(stream);
    }
    await untilFree();
    assert.equal(limit.peers, 0);
  });
}

test("however a stream ends, it is no longer counted: the connection is gone", async () => {
  const sockets: Socket[] = [];
  const proxy = createServer((socket) => {
    const there = connect(port, "127.0.0.1");
    sockets.push(socket, there);
    for (const one of [socket, there]) one.on("error", () => undefined);
    socket.pipe(there).pipe(socket);
  });
  await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  const { call, ended } = await open((proxy.address() as AddressInfo).port);
  call.on("error", () => undefined);
  assert.equal(limit.peers, 1);
  for (const socket of sockets) socket.destroy();
  assert.equal((await ended)?.code, Code.UNAVAILABLE);
  await untilFree();
  assert.equal(limit.peers, 0);
  proxy.close();
});
