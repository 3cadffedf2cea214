// grpc-js's xDS client with a control plane that wants certificates, which it reaches through a tunnel.
import assert from "node:assert/strict";
import type { Server } from "node:net";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { Client, credentials, type ServiceError } from "@grpc/grpc-js";
import { grpcService, SAY, startEcho, type EchoBackend } from "../support/grpc-echo.ts";
import { startTunnel } from "../support/grpc-tunnel.ts";
import { Mesh } from "../support/mesh.ts";

let mesh: Mesh;
let backend: EchoBackend;
let tunnel: Server;
let client: Client;

before(async () => {
  backend = await startEcho("a");
  mesh = await Mesh.create();
  mesh.write("mesh.yaml", grpcService("echo", [backend.port]));
  await mesh.startControlPlane();
  const printed = await mesh.meshwright("bootstrap", [
    ...["--grpc", "--node", "client-1", "--service", "client", "--xds", `127.0.0.1:${String(mesh.xdsPort)}`],
  ]);
  const started = await startTunnel(printed, join(mesh.folder, "xds.sock"));
  tunnel = started.server;
  process.env["GRPC_XDS_BOOTSTRAP_CONFIG"] = started.bootstrap;
  const { register } = await import("@grpc/grpc-js-xds");
  register();
  client = new Client("xds:///echo:50051", credentials.createInsecure());
});

after(async () => {
  client.close();
  backend.server.forceShutdown();
  await mesh.stop();
  tunnel.close();
});

test("it is let in as who its certificate says it is, and calls", { timeout: 30_000 }, async () => {
  const call = (done: (error: ServiceError | null, response?: Buffer) => void): void => {
    const deadline = Date.now() + 20_000;
    client.makeUnaryRequest(
      "/test.Echo/Say",
      SAY.requestSerialize,
      SAY.responseDeserialize,
      Buffer.alloc(0),
      { deadline },
      done,
    );
  };
  assert.equal(String(await promisify(call)()), "a");
  const { service, rejections } = await mesh.until("client-1", ({ state }) => state === "ready");
  assert.deepEqual([service, rejections], ["client", []]);
});
