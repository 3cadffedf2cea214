// Who is let in, by a control plane that runs, to clients that do what they should not.
import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { Agent, request, type RequestOptions } from "node:https";
import { createServer, type AddressInfo } from "node:net";
import { connect } from "node:tls";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Client, credentials, status as Code, type ChannelCredentials, type ServiceError } from "@grpc/grpc-js";
import { pino } from "pino";
import { create, toBinary } from "@bufbuild/protobuf";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { NodeSchema } from "#gen/envoy/config/core/v3/base_pb.js";
import type { SourceFile } from "../model/index.ts";
import { formatIdentity, Security, type Identity, type KeyPair } from "../security/index.ts";
import { put, scratchFolder, testAuthority, type TestAuthority } from "../security/testdata/fixtures.ts";
import type { Source } from "../source/index.ts";
import { deltaWire, type DeltaWire } from "../xds/testdata/client.ts";
import { TypeUrl } from "../xds/index.ts";
import { ControlPlane } from "./index.ts";

const service = (name: string, port: number): SourceFile => ({
  path: `${name}.yaml`,
  text: `apiVersion: meshwright.dev/v1alpha1
kind: Service
metadata: { name: ${name} }
spec:
  port: 80
  endpoints: [{ address: 127.0.0.1, port: ${String(port)}, sidecar: { node: ${name}-1, inboundPort: ${String(port + 1)} } }]
`,
});
const source: Source = {
  name: "the test",
  read: () => Promise.reject(new Error("there are no files")),
  list: () => Promise.resolve([service("web", 8000), service("db", 8010)]),
  readAssets: () => Promise.resolve(new Map()),
  watch: () => Promise.resolve(() => Promise.resolve()),
};

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

const folder = scratchFolder();
const log: string[] = [];
const id = (identity: Identity): string => formatIdentity("cluster.local", identity);
const sidecar = (serviceName: string, node: string): string => id({ kind: "sidecar", service: serviceName, node });

let authority: TestAuthority;
let stranger: TestAuthority;
let security: Security;
let plane: ControlPlane;
let xdsPort = 0;
let httpPort = 0;
const files = { certificate: "", privateKey: "", trust: "", revoked: "" };

before(async () => {
  [authority, stranger] = await Promise.all([testAuthority(), testAuthority()]);
  const server = await authority.issue(id({ kind: "control-plane" }), { hosts: ["127.0.0.1", "localhost"] });
  files.certificate = put(folder.path, "server.pem", server.certificate);
  files.privateKey = put(folder.path, "server.key", server.privateKey);
  files.trust = put(folder.path, "trust.pem", authority.certificate);
  files.revoked = put(folder.path, "revoked", "# none yet\n");
  const capture = pino({ level: "trace" }, { write: (line: string) => void log.push(line) });
  security = await Security.open({
    stateFolder: folder.path,
    serverCertificate: files,
    trust: files.trust,
    revoked: files.revoked,
    pollMs: 20,
    maxStreams: 3,
    log: capture,
  });
  [xdsPort, httpPort] = await Promise.all([freePort(), freePort()]);
  plane = await ControlPlane.start({
    source,
    stateFolder: folder.path,
    xds: { host: "127.0.0.1", port: xdsPort },
    http: { host: "127.0.0.1", port: httpPort },
    modulesCluster: "modules",
    security,
    log: capture,
  });
});
after(async () => {
  await plane.close();
  folder.remove();
});

function channel(client?: KeyPair): ChannelCredentials {
  const trust = Buffer.from(authority.certificate);
  if (client === undefined) return credentials.createSsl(trust);
  return credentials.createSsl(trust, Buffer.from(client.privateKey), Buffer.from(client.certificate));
}

const clusters = (node: { id: string; cluster: string }): Parameters<DeltaWire["send"]>[0] => ({
  node,
  typeUrl: TypeUrl.cluster,
});

/** How a stream ends, or the names of what it is served. */
async function served(
  client: KeyPair | undefined,
  node: { id: string; cluster: string },
): Promise<{ code: number; details: string } | string[]> {
  const wire = deltaWire(xdsPort, undefined, channel(client));
  try {
    wire.send(clusters(node));
    const answer = await Promise.race([wire.ended, wire.next()]);
    if (!("resources" in answer)) return { code: answer.code, details: answer.details };
    return answer.resources.map(({ name }) => name);
  } finally {
    wire.close();
  }
}

const web = { id: "web-1", cluster: "web" };

describe("xDS", () => {
  test("a sidecar gets what is its own", async () => {
    assert.deepEqual(await served(await authority.issue(sidecar("web", "web-1")), web), ["inbound|web|80"]);
  });

  test("a certificate of the Service itself, as another issuer may give it, will do", async () => {
    assert.deepEqual(await served(await authority.issue(id({ kind: "service", service: "web" })), web), [
      "inbound|web|80",
    ]);
  });

  test("a sidecar that opens ever more streams is refused them, and others are served", async () => {
    const client = await authority.issue(sidecar("web", "web-1"));
    const wires = Array.from({ length: 3 }, () => deltaWire(xdsPort, undefined, channel(client)).send(clusters(web)));
    try {
      for (const wire of wires) assert.equal((await wire.next()).resources.length, 1);
      const end = await served(client, web);
      assert.ok(!Array.isArray(end), "it was served");
      assert.equal(end.code, Code.RESOURCE_EXHAUSTED);
      assert.match(
        end.details,
        /^spiffe:\/\/cluster\.local\/meshwright\/sidecar\/web\/web-1 at 127\.0\.0\.1 has 3 open streams already/,
      );
      const db = { id: "db-1", cluster: "db" };
      assert.deepEqual(await served(await authority.issue(sidecar("db", "db-1")), db), ["inbound|db|80"]);
    } finally {
      for (const wire of wires) wire.close();
    }
  });

  const unauthenticated: [what: string, client: () => Promise<KeyPair | undefined>][] = [
    ["no certificate", () => Promise.resolve(undefined)],
    ["one of another authority", () => stranger.issue(sidecar("web", "web-1"))],
    [
      "one that ended",
      async () => {
        const short = await authority.issue(sidecar("web", "web-1"), { lifetimeMs: 1_000 });
        // Times in certificates are whole seconds.
        await sleep(2_100);
        return short;
      },
    ],
  ];
  for (const [what, client] of unauthenticated) {
    test(`${what}: UNAUTHENTICATED`, async () => {
      const end = await served(await client(), web);
      assert.ok(!Array.isArray(end), "it was served");
      assert.equal(end.code, Code.UNAUTHENTICATED);
      assert.match(end.details, /a client certificate is required/);
    });
  }

  const denied: [what: string, uri: string, node: { id: string; cluster: string }, reason: RegExp][] = [
    ["another node of its Service", sidecar("web", "web-2"), web, /that of the node "web-2", but .* id is "web-1"/],
    [
      "another cluster",
      sidecar("web", "web-1"),
      { id: "web-1", cluster: "db" },
      /one of Service web, but .* cluster is "db"/,
    ],
    ["another Service's sidecar", sidecar("web", "web-1"), { id: "db-1", cluster: "db" }, /one of Service web/],
    [
      "another Service's node under its own cluster",
      id({ kind: "service", service: "web" }),
      { id: "db-1", cluster: "web" },
      /"db-1" is a sidecar of Service db/,
    ],
    ["no cluster", sidecar("web", "web-1"), { id: "web-1", cluster: "" }, /cluster is ""/],
    ["one with the admin's certificate", id({ kind: "role", role: "admin" }), web, /names no sidecar/],
    ["one with a control plane's certificate", id({ kind: "control-plane" }), web, /names no sidecar/],
    [
      "one of another trust domain",
      "spiffe://other/ns/default/sa/web",
      web,
      /names no sidecar of the trust domain cluster\.local/,
    ],
  ];
  for (const [what, uri, node, reason] of denied) {
    test(`${what}: PERMISSION_DENIED`, async () => {
      const end = await served(await authority.issue(uri), node);
      assert.ok(!Array.isArray(end), "it was served");
      assert.equal(end.code, Code.PERMISSION_DENIED);
      assert.match(end.details, reason);
    });
  }

  test("a node that changes its name in the middle of a stream is refused", async () => {
    const wire = deltaWire(xdsPort, undefined, channel(await authority.issue(sidecar("web", "web-1"))));
    wire.send(clusters(web));
    await wire.next();
    wire.send({ ...clusters({ id: "db-1", cluster: "db" }), typeUrl: TypeUrl.listener });
    const { code, details } = await wire.ended;
    assert.equal(code, Code.INVALID_ARGUMENT);
    assert.match(details, /cannot change/);
    assert.equal(wire.waiting, 0);
    wire.close();
  });

  test("statistics: for oneself only", async () => {
    const report = async (client: KeyPair | undefined, node: string): Promise<number> => {
      const grpc = new Client(`127.0.0.1:${String(xdsPort)}`, channel(client));
      const bytes = toBinary(NodeSchema, create(NodeSchema, { id: node, cluster: "web" }));
      const identifier = new BinaryWriter().tag(1, WireType.LengthDelimited).bytes(bytes).finish();
      const message = Buffer.from(new BinaryWriter().tag(1, WireType.LengthDelimited).bytes(identifier).finish());
      const asIs = (value: Buffer): Buffer => value;
      const path = "/envoy.service.metrics.v3.MetricsService/StreamMetrics";
      const error = await new Promise<ServiceError | null>((resolve) => {
        const call = grpc.makeClientStreamRequest(path, asIs, asIs, resolve);
        call.on("error", () => undefined);
        call.write(message);
        call.end();
      });
      grpc.close();
      return error?.code ?? Code.OK;
    };
    const own = await authority.issue(sidecar("web", "web-1"));
    assert.equal(await report(own, "web-1"), Code.OK);
    assert.equal(await report(own, "web-2"), Code.PERMISSION_DENIED);
    assert.equal(await report(undefined, "web-1"), Code.UNAUTHENTICATED);
  });

  test("where all sidecars stand: for a role, for no sidecar", async () => {
    const path = "/envoy.service.status.v3.ClientStatusDiscoveryService/FetchClientStatus";
    const asIs = (value: Buffer): Buffer => value;
    const fetchStatus = async (uri: string): Promise<number> => {
      const grpc = new Client(`127.0.0.1:${String(xdsPort)}`, channel(await authority.issue(uri)));
      const error = await new Promise<ServiceError | null>((resolve) =>
        grpc.makeUnaryRequest(path, asIs, asIs, Buffer.alloc(0), resolve),
      );
      grpc.close();
      return error?.code ?? Code.OK;
    };
    assert.equal(await fetchStatus(id({ kind: "role", role: "viewer" })), Code.OK);
    assert.equal(await fetchStatus(sidecar("web", "web-1")), Code.PERMISSION_DENIED);
  });

  test("plaintext, and TLS before 1.2, get no connection", async () => {
    const wire = deltaWire(xdsPort);
    wire.send(clusters(web));
    assert.equal((await wire.ended).code, Code.UNAVAILABLE);
    wire.close();
    for (const port of [xdsPort, httpPort]) {
      const protocol = await new Promise<string | null>((resolve) => {
        const socket = connect({
          port,
          ca: authority.certificate,
          maxVersion: "TLSv1.1",
          minVersion: "TLSv1",
          ciphers: "DEFAULT@SECLEVEL=0",
        });
        socket.on("secureConnect", () => resolve(socket.getProtocol()));
        socket.on("error", () => resolve(null));
      });
      assert.equal(protocol, null);
    }
  });
});

function ask(path: string, options: RequestOptions = {}, method = "GET"): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const at = { host: "127.0.0.1", port: httpPort, path, method, ca: authority.certificate, agent: false as const };
    const outgoing = request({ ...at, ...options }, (response) => {
      let body = "";
      response.setEncoding("utf8").on("data", (text: string) => (body += text));
      response.on("end", () => resolve({ status: response.statusCode ?? 0, body }));
    });
    outgoing.on("error", reject);
    outgoing.end();
  });
}

const as = ({ certificate, privateKey }: KeyPair): RequestOptions => ({ cert: certificate, key: privateKey });
const bearer = (text: string): RequestOptions => ({ headers: { authorization: `Bearer ${text}` } });

describe("the API", () => {
  test("without credentials only health is told", async () => {
    for (const [path, status] of [
      ["/healthz", 200],
      ["/readyz", 200],
      ["/api/v1/status", 401],
      ["/api/v1/quotas", 401],
      ["/metrics", 401],
      [`/modules/${"0".repeat(64)}.wasm`, 401],
      ["/nowhere", 404],
    ] as const)
      assert.equal((await ask(path)).status, status, path);
  });

  test("a token of a viewer reads; a bad or revoked one, and other schemes, do not", async () => {
    const { text, record } = security.tokens.create({ name: "reader", role: "viewer" });
    assert.equal((await ask("/api/v1/status", bearer(text))).status, 200);
    assert.match((await ask("/metrics", bearer(text))).body, /^meshwright_streams\{protocol="delta"\} \d+$/m);
    assert.equal((await ask("/api/v1/status", bearer(`${text.slice(0, -2)}__`))).status, 401);
    assert.equal((await ask("/api/v1/status", { headers: { authorization: `Basic ${text}` } })).status, 401);
    assert.equal((await ask("/api/v1/status", { headers: { authorization: text } })).status, 401);
    security.tokens.revoke(record.id);
    assert.equal((await ask("/api/v1/status", bearer(text))).status, 401);
  });

  test("certificates: a role reads, a sidecar fetches modules and no more, one of another authority nothing", async () => {
    const module = plane.modules.put(Buffer.from("module"));
    const path = `/modules/${module.sha256}.wasm`;
    const admin = await authority.issue(id({ kind: "role", role: "admin" }));
    const own = await authority.issue(sidecar("web", "web-1"));
    const forged = await stranger.issue(id({ kind: "role", role: "admin" }));
    assert.equal((await ask("/api/v1/status", as(admin))).status, 200);
    assert.equal((await ask("/api/v1/status", as(own))).status, 401);
    assert.equal((await ask("/metrics", as(own))).status, 401);
    assert.equal((await ask("/metrics", as(admin))).status, 200);
    assert.equal((await ask("/api/v1/status", as(forged))).status, 401);
    assert.equal((await ask(path, as(own))).body, "module");
    assert.equal((await ask(path, as(forged))).status, 401);
    // A bad token is not mended by a good certificate.
    assert.equal((await ask("/api/v1/status", { ...as(admin), ...bearer("mw_no") })).status, 401);
  });

  test("a browser's certificate: for pages of the control plane, and not for those of others that make it send requests", async () => {
    const admin = as(await authority.issue(id({ kind: "role", role: "admin" })));
    const path = "/api/v1/rollouts/shop/promote";
    const cases: [headers: Record<string, string>, status: number][] = [
      [{ origin: `https://127.0.0.1:${httpPort}`, "sec-fetch-site": "same-origin" }, 404],
      [{ origin: "https://evil.example" }, 401],
      [{ origin: "null" }, 401],
      [{ origin: `https://127.0.0.1:${httpPort + 1}` }, 401],
      [{ origin: `http://127.0.0.1:${httpPort}` }, 401],
      [{ "sec-fetch-site": "cross-site" }, 401],
      [{ "sec-fetch-site": "same-site" }, 401],
    ];
    for (const [headers, status] of cases)
      assert.equal((await ask(path, { ...admin, headers }, "POST")).status, status, JSON.stringify(headers));
  });

  test("the files of the dashboard: to everybody, the same for all, and no other files", async () => {
    for (const path of ["/dashboard/../package.json", "/dashboard/%2e%2e/x", "/dashboard/app.js/x", "/dashboard/x"])
      assert.equal((await ask(path)).status, 404, path);
    assert.equal((await ask("/dashboard/", {}, "POST")).status, 405);
    assert.equal((await ask("/dashboard")).status, 308);
  });
});

/** The serial number of the certificate that a new connection is shown. */
function shown(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(
      { port, ca: authority.certificate, host: "127.0.0.1", ALPNProtocols: ["h2", "http/1.1"] },
      () => {
        resolve(new X509Certificate(socket.getPeerX509Certificate()?.raw ?? "").serialNumber);
        socket.destroy();
      },
    );
    socket.on("error", reject);
  });
}

async function until(condition: () => Promise<boolean> | boolean): Promise<void> {
  for (let i = 0; i < 200; ++i) {
    if (await condition()) return;
    await sleep(20);
  }
  assert.fail("not in 4 s");
}

describe("files that change while it runs", () => {
  test("new connections get the new certificate, old ones go on; a bad one is not taken", async () => {
    const client = await authority.issue(sidecar("web", "web-1"));
    const wire = deltaWire(xdsPort, undefined, channel(client));
    wire.send(clusters(web));
    wire.send({ typeUrl: TypeUrl.cluster, responseNonce: (await wire.next()).nonce });
    const first = await shown(xdsPort);

    const next = await authority.issue(id({ kind: "control-plane" }), { hosts: ["127.0.0.1"] });
    // One after the other: in between, the key is not that of the certificate.
    put(folder.path, "server.pem", next.certificate);
    await sleep(60);
    assert.equal(await shown(xdsPort), first);
    put(folder.path, "server.key", next.privateKey);
    await until(async () => (await shown(xdsPort)) !== first);
    assert.equal(await shown(httpPort), await shown(xdsPort));

    put(folder.path, "server.pem", "nonsense");
    await until(() => log.some((line) => line.includes("the certificate cannot be read")));
    assert.notEqual(await shown(xdsPort), first);
    put(folder.path, "server.pem", next.certificate);

    wire.send({ typeUrl: TypeUrl.listener });
    assert.equal((await wire.next()).resources[0]?.name, "inbound");
    wire.close();
  });

  test("an authority that is added is believed, and no longer when it is taken away", async () => {
    const client = await stranger.issue(sidecar("web", "web-1"));
    const isServed = async (): Promise<boolean> => Array.isArray(await served(client, web));
    assert.equal(await isServed(), false);
    put(folder.path, "trust.pem", authority.certificate + stranger.certificate);
    await until(isServed);
    put(folder.path, "trust.pem", authority.certificate);
    await until(async () => !(await isServed()));
  });
});

describe("a certificate that is good no more", () => {
  interface Held {
    readonly wire: DeltaWire;
    /** Whether a request to the API on a connection that is kept is let in. */
    readonly modules: () => Promise<number>;
    readonly close: () => void;
  }

  /** A sidecar with a stream, and a connection to the HTTP server that it keeps. */
  async function hold(client: KeyPair): Promise<Held> {
    const wire = deltaWire(xdsPort, undefined, channel(client));
    wire.send(clusters(web));
    const { resources, nonce } = await wire.next();
    assert.equal(resources.length, 1);
    // Listeners come after clusters that were taken.
    wire.send({ typeUrl: TypeUrl.cluster, responseNonce: nonce });
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const modules = async (): Promise<number> =>
      (await ask(`/modules/${"0".repeat(64)}.wasm`, { ...as(client), agent })).status;
    assert.equal(await modules(), 404);
    const close = (): void => {
      wire.close();
      agent.destroy();
    };
    return { wire, modules, close };
  }

  async function ends({ wire, modules, close }: Held, reason: RegExp): Promise<void> {
    const { code, details } = await wire.ended;
    assert.equal(code, Code.UNAUTHENTICATED);
    assert.match(details, reason);
    assert.equal(await modules(), 401);
    close();
  }

  test("since its time is over: the stream ends, and its connection", async () => {
    const client = await authority.issue(sidecar("web", "web-1"), { lifetimeMs: 5_000 });
    const held = await hold(client);
    const { peer } = plane.fleet.node("web-1") ?? {};
    assert.ok(peer !== undefined);
    await ends(held, /the client's certificate ended at /);
    assert.equal(plane.fleet.node("web-1")?.connected, false);
    // A client that has a new certificate by now makes a new connection with it.
    const again = await authority.issue(sidecar("web", "web-1"));
    assert.deepEqual(await served(again, web), ["inbound|web|80"]);
  });

  test("since it is revoked; others of its authority are let in", async () => {
    const [bad, good] = await Promise.all([1, 2].map(() => authority.issue(sidecar("web", "web-1"))));
    assert.ok(bad && good);
    const held = await hold(bad);
    const other = await hold(good);
    const { serialNumber } = new X509Certificate(bad.certificate);
    put(folder.path, "revoked", `serial=${serialNumber.toLowerCase()} # stolen\n`);
    await ends(held, new RegExp(`certificate ${serialNumber} is revoked`));
    const again = await served(bad, web);
    assert.ok(!Array.isArray(again));
    assert.equal(again.code, Code.UNAUTHENTICATED);
    assert.equal(await other.modules(), 404);
    other.wire.send({ typeUrl: TypeUrl.listener });
    assert.equal((await other.wire.next()).resources.length, 1);
    other.close();
    // What cannot be read changes nothing.
    put(folder.path, "revoked", "no serial number");
    await until(() => log.some((line) => line.includes("expected a serial number in hexadecimal")));
    assert.ok(!Array.isArray(await served(bad, web)));
    put(folder.path, "revoked", "");
    await until(async () => Array.isArray(await served(bad, web)));
  });

  test("since its authority is taken away; those of the others go on", async () => {
    put(folder.path, "trust.pem", authority.certificate + stranger.certificate);
    const client = await stranger.issue(sidecar("web", "web-1"));
    await until(async () => Array.isArray(await served(client, web)));
    const held = await hold(client);
    const other = await hold(await authority.issue(sidecar("web", "web-1")));
    put(folder.path, "trust.pem", authority.certificate);
    await ends(held, /is trusted no more: connect again/);
    assert.equal(await other.modules(), 404);
    other.wire.send({ typeUrl: TypeUrl.listener });
    assert.equal((await other.wire.next()).resources.length, 1);
    other.close();
  });

  test("is not believed by a session of TLS that is taken up again", async () => {
    put(folder.path, "trust.pem", authority.certificate + stranger.certificate);
    const client = await stranger.issue(sidecar("web", "web-1"));
    await until(async () => Array.isArray(await served(client, web)));
    const dial = (session?: Buffer): Promise<{ session: Buffer; isReused: boolean; status: string }> =>
      new Promise((resolve, reject) => {
        let taken: Buffer | undefined;
        const socket = connect({
          host: "127.0.0.1",
          port: httpPort,
          ca: authority.certificate,
          cert: client.certificate,
          key: client.privateKey,
          ...(session === undefined ? {} : { session }),
        });
        socket.on("session", (one: Buffer) => (taken = one));
        socket.on("error", reject);
        socket.on("data", (data: Buffer) => {
          const status = data.toString().slice(9, 12);
          socket.destroy();
          resolve({ session: taken ?? Buffer.alloc(0), isReused: socket.isSessionReused(), status });
        });
        socket.write(`GET /modules/${"0".repeat(64)}.wasm HTTP/1.1\r\nhost: x\r\n\r\n`);
      });
    const { session, status } = await dial();
    assert.equal(status, "404");
    put(folder.path, "trust.pem", authority.certificate);
    await until(async () => !Array.isArray(await served(client, web)));
    assert.equal((await dial(session)).status, "401");
  });
});

test("quotas are for sidecars, each as itself", async () => {
  const path = "/envoy.service.rate_limit_quota.v3.RateLimitQuotaService/StreamRateLimitQuotas";
  const open = async (uri: string): Promise<number> => {
    const grpc = new Client(`127.0.0.1:${String(xdsPort)}`, channel(await authority.issue(uri)));
    const call = grpc.makeBidiStreamRequest(
      path,
      (value: Buffer) => value,
      (value: Buffer) => value,
    );
    call.on("error", () => undefined);
    call.resume();
    const status = new Promise<number>((resolve) => call.on("status", ({ code }) => resolve(code)));
    call.end();
    const code = await status;
    grpc.close();
    return code;
  };
  assert.equal(await open(sidecar("web", "web-1")), Code.OK);
  assert.equal(await open(id({ kind: "service", service: "web" })), Code.OK);
  assert.equal(await open(id({ kind: "role", role: "admin" })), Code.PERMISSION_DENIED);
  assert.equal(await open("spiffe://other/ns/default/sa/web"), Code.PERMISSION_DENIED);
});

test("the log holds neither keys nor tokens", () => {
  const text = log.join("");
  assert.match(text, /refused: the certificate is one of Service web/);
  assert.doesNotMatch(text, /PRIVATE KEY|mw_[0-9a-f]{16}_/);
});
