import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, createServer, type AddressInfo } from "node:net";
import { after, test } from "node:test";
import { setImmediate as nextTurn, setTimeout } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

import { ServerCredentials } from "@grpc/grpc-js";

import { Fleet } from "../../controlplane/fleet/index.ts";
import { createResource, createSnapshot, type Snapshot, TypeUrl, XdsServer } from "../../controlplane/xds/index.ts";
import { deltaWire, type DeltaWire } from "../../controlplane/xds/testdata/client.ts";

const MEGABYTE = 1_000_000;
const UPDATES = 100;

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

function big(version: number): Snapshot {
  return createSnapshot([
    createResource("big", TypeUrl.secret, Buffer.alloc(MEGABYTE, version), { version: `${version}` }),
  ]);
}

/** A way to the server that can stop reading what it sends: then its TCP window fills and closes. */
async function stallingProxy(port: number) {
  let stall: () => void = () => undefined;
  let resume: () => void = () => undefined;
  const proxy = createServer((client) => {
    const server = connect(port, "127.0.0.1");
    client.on("error", () => server.destroy()).pipe(server);
    server.on("error", () => client.destroy()).pipe(client);
    stall = () => {
      server.unpipe(client);
      server.pause();
    };
    resume = () => server.pipe(client);
  }).listen(0, "127.0.0.1");
  await once(proxy, "listening");
  return {
    port: (proxy.address() as AddressInfo).port,
    stall: () => stall(),
    resume: () => resume(),
    close: () => proxy.close(),
  };
}

/**
 * Megabytes that are held more than before. What is superseded is freed by several turns of the collector: buffers go
 * after their owners, and a write that has ended lets go of its own a turn later.
 */
async function held(before: number): Promise<number> {
  let grown = Number.POSITIVE_INFINITY;
  for (let tries = 0; tries < 20 && grown >= 10; tries++) {
    grown = ((await arrayBuffers()) - before) / MEGABYTE;
    if (grown >= 10) await setTimeout(50);
  }
  return grown;
}

async function arrayBuffers(): Promise<number> {
  collect();
  await nextTurn();
  collect();
  return process.memoryUsage().arrayBuffers;
}

/** Acknowledges everything until this version comes, and gives how many responses that took. */
async function receiveUntil(stream: DeltaWire, version: number): Promise<number> {
  for (let count = 1; ; count++) {
    const { nonce, resources } = await stream.next();
    stream.send({ typeUrl: TypeUrl.secret, responseNonce: nonce });
    if (resources[0]?.version === `${version}`) return count;
  }
}

test("a sidecar that reads nothing holds one response and delays no other, and once it reads it gets the latest", async () => {
  let snapshot = big(0);
  const fleet = new Fleet();
  const server = new XdsServer({ source: { snapshot: () => snapshot }, observer: fleet });
  const port = await server.listen("127.0.0.1:0", ServerCredentials.createInsecure());
  const proxy = await stallingProxy(port);
  const stalled = deltaWire(proxy.port);
  const others = [deltaWire(port), deltaWire(port), deltaWire(port)];
  after(async () => {
    for (const stream of [stalled, ...others]) stream.close();
    proxy.close();
    await server.close();
  });
  const named = [stalled, ...others].entries();
  for (const [n, stream] of named) stream.send({ node: { id: `node-${n}` }, typeUrl: TypeUrl.secret });
  for (const stream of [stalled, ...others]) await receiveUntil(stream, 0);

  proxy.stall();
  const before = await arrayBuffers();
  const received = others.map((stream) => receiveUntil(stream, UPDATES));
  for (let version = 1; version <= UPDATES; version++) {
    snapshot = big(version);
    server.update();
    await nextTurn();
    await nextTurn();
  }
  await Promise.all(received);

  const inFlight = fleet.node("node-0")?.types.find(({ typeUrl }) => typeUrl === TypeUrl.secret)?.resources[0];
  assert.equal(inFlight?.state, "pending");
  assert.ok(Number(inFlight.sent) < UPDATES / 2, `it was sent ${inFlight.sent}, which it cannot have read`);
  const grown = await held(before);
  assert.ok(grown < 10, `${grown} MB more are held after ${UPDATES} updates of 1 MB`);

  proxy.resume();
  assert.ok((await receiveUntil(stalled, UPDATES)) <= 3, "what was superseded is skipped");
});
