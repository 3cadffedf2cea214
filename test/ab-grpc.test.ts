// Experiments over gRPC in a real Envoy: every call of a user goes to their variant, and calls that fail are errors.
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import {
  Client,
  credentials,
  Metadata,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerUnaryCall,
  type sendUnaryData,
  type StatusObject,
} from "@grpc/grpc-js";
import { rawMethod } from "../controlplane/xds/index.ts";
import { buildFilters } from "../setup/filters.mjs";
import { root } from "../setup/paths.mjs";
import { FilterEnvoy, wasmFilter } from "./support/filter-chains.ts";

const NAMES = ["new", "old"] as const;
const ASK = rawMethod("/test.Shop/Ask", false);
const TALK = rawMethod("/test.Shop/Talk", true);

const servers: Server[] = [];
let envoy: FilterEnvoy;
let client: Client;

/** A server that says its name, once or for each message, or fails with the status that a call asks for. */
async function startServer(name: string): Promise<number> {
  const server = new Server();
  servers.push(server);
  const failureOf = (metadata: Metadata): Partial<StatusObject> | undefined => {
    const [code] = metadata.get("x-fail");
    return code === undefined
      ? undefined
      : (JSON.parse(`{"code":${String(code)},"details":"as asked for"}`) as Partial<StatusObject>);
  };
  server.addService(
    { ask: ASK, talk: TALK },
    {
      ask: ({ metadata }: ServerUnaryCall<Buffer, Buffer>, callback: sendUnaryData<Buffer>) => {
        const failure = failureOf(metadata);
        // Without a message grpc-js answers by headers alone.
        if (failure !== undefined) callback(failure);
        else callback(null, Buffer.from(name));
      },
      talk: (call: ServerDuplexStream<Buffer, Buffer>) => {
        const failure = failureOf(call.metadata);
        call.on("data", () => call.write(Buffer.from(name)));
        call.on("end", () => {
          if (failure !== undefined) call.emit("error", failure);
          else call.end();
        });
      },
    },
  );
  return new Promise((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, port) => {
      if (error === null) resolve(port);
      else reject(error);
    });
  });
}

before(async () => {
  await buildFilters(["ab-routing"]);
  const ports = Object.fromEntries(
    await Promise.all(NAMES.map(async (name) => [name, await startServer(name)] as const)),
  );
  const experiment = {
    name: "shop",
    header: "x-shop",
    measure: true,
    split: { key: [{ header: "x-user" }], variants: NAMES.map((name) => ({ name, weight: 5000 })) },
    default: "old",
  };
  const filter = wasmFilter("ab-routing", join(root, "build", "ab-routing.wasm"), { experiments: [experiment] });
  const routes = [
    // No server is there.
    {
      match: { prefix: "/test.Shop/Ask", headers: [{ name: "x-gone", present_match: true }] },
      route: { cluster: "gone" },
    },
    ...NAMES.map((name) => ({
      match: { prefix: "/", headers: [{ name: "x-shop", string_match: { exact: name } }] },
      route: { cluster: name, timeout: "5s" },
    })),
  ];
  envoy = await FilterEnvoy.start({ shop: [filter] }, [], { grpcClusters: { ...ports, gone: 1 }, routes });
  client = new Client(`127.0.0.1:${String(envoy.port("shop"))}`, credentials.createInsecure());
});

after(async () => {
  client.close();
  await envoy.stop();
  for (const server of servers) server.forceShutdown();
});

const metadataOf = (entries: Readonly<Record<string, string>>): Metadata => {
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(entries)) metadata.set(name, value);
  return metadata;
};

/** What a call is answered with: its messages, and its status. */
function ask(entries: Readonly<Record<string, string>>): Promise<{ texts: string[]; code: number }> {
  return new Promise((resolve) => {
    client.makeUnaryRequest(
      ASK.path,
      ASK.requestSerialize,
      ASK.responseDeserialize,
      Buffer.from("?"),
      metadataOf(entries),
      (error, answer) => resolve({ texts: answer === undefined ? [] : [answer.toString()], code: error?.code ?? 0 }),
    );
  });
}

function talk(entries: Readonly<Record<string, string>>, messages: number): Promise<{ texts: string[]; code: number }> {
  return new Promise((resolve) => {
    const call = client.makeBidiStreamRequest(
      TALK.path,
      TALK.requestSerialize,
      TALK.responseDeserialize,
      metadataOf(entries),
    );
    const texts: string[] = [];
    call.on("data", (text: Buffer) => texts.push(text.toString()));
    call.on("error", () => undefined);
    call.on("status", ({ code }) => resolve({ texts, code }));
    for (let i = 0; i < messages; i++) call.write(Buffer.from("?"));
    call.end();
  });
}

test("unary and streaming calls of a user have one variant, whatever header the client sends", async () => {
  const seen = new Set<string>();
  for (let i = 0; i < 8; i++) {
    const user = { "x-user": `u${String(i)}` };
    const first = await ask(user);
    const [variant = ""] = first.texts;
    seen.add(variant);
    for (const forged of NAMES) {
      assert.deepEqual(await ask({ ...user, "x-shop": forged }), { texts: [variant], code: 0 });
      assert.deepEqual(await talk({ ...user, "x-shop": forged }, 3), { texts: Array(3).fill(variant), code: 0 });
    }
  }
  assert.deepEqual([...seen].sort(), ["new", "old"]);
});

test("calls that fail by a fault of the server are errors, in trailers and in headers alone", async () => {
  const user = { "x-user": "one" };
  const [variant = ""] = (await ask(user)).texts;
  const figures = async (): Promise<[requests: number, errors: number]> => {
    const stat = (what: string): Promise<number> => envoy.envoy.stat(`wasmcustom.ab.shop.${variant}.${what}`);
    return [await stat("requests"), await stat("errors")];
  };
  let [requests, errors] = await figures();
  const counts = async (code: number, isError: boolean, call: () => Promise<{ code: number }>): Promise<void> => {
    assert.equal((await call()).code, code);
    requests++;
    if (isError) errors++;
    await envoy.envoy.until(async () => (await figures())[0] === requests);
    assert.deepEqual(await figures(), [requests, errors], `status ${String(code)}`);
  };
  for (let code = 1; code <= 16; code++) {
    // OpenTelemetry's conventions for gRPC: these are errors of the server.
    const isError = [2, 4, 12, 13, 14, 15].includes(code);
    const entries = { ...user, "x-fail": String(code) };
    await counts(code, isError, () => ask(entries));
    await counts(code, isError, () => talk(entries, 1));
  }
  // What Envoy answers by itself has the status in its headers.
  await counts(14, true, () => ask({ ...user, "x-gone": "1" }));
});
