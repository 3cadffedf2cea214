// A Mesh in real sidecars: what it says of Services, routes and connections that say nothing themselves.
import assert from "node:assert/strict";
import { createServer, type Server } from "node:http";
import { connect, type AddressInfo } from "node:net";
import { after, before, describe, test } from "node:test";
import { connect as connectTls } from "node:tls";
import { Authority, readStateAuthority } from "../controlplane/security/index.ts";
import { get, startApp } from "./support/http.ts";
import { Mesh } from "./support/mesh.ts";
import { freePorts } from "./support/ports.ts";
import { serviceYaml } from "./support/services.ts";
import { until } from "./support/until.ts";

const whole = `
  services: { mtls: Strict, connectTimeout: 2s }
  routes: { timeouts: { request: 300ms }, retry: { codes: [503], attempts: 2 } }
  unknownHosts: Passthrough
  trustDomainAliases: [old.example]
  connections: { idleTimeout: 500ms, maxConnectionDuration: 2s, streamIdleTimeout: 600ms, requestHeadersTimeout: 400ms }
`;

describe("a Mesh", () => {
  let mesh: Mesh;
  let shop: Server;
  let outside: Awaited<ReturnType<typeof startApp>>;
  let [inbound, webInbound, outbound] = [0, 0, 0];
  const tries = new Map<string, number>();

  const write = (spec: string, shopSpec?: string): void => {
    const port = (shop.address() as AddressInfo).port;
    mesh.write(
      "mesh.yaml",
      `${serviceYaml({ name: "web", port: outside.port, inboundPort: webInbound, outboundPort: outbound })}---
${serviceYaml({ name: "shop", port, inboundPort: inbound, more: shopSpec })}---
apiVersion: meshwright.dev/v1alpha1
kind: Mesh
metadata: { name: default }
spec:${spec}`,
    );
  };
  const toShop = (path: string): ReturnType<typeof get> => get(outbound, path, { headers: { host: "shop" } });
  /** The status of a plaintext request to the sidecar itself; 0 where there is no answer. */
  const plainly = (path: string): Promise<number> =>
    get(inbound, path).then(
      ({ status }) => status,
      () => 0,
    );
  /** What a sidecar answers to what is written on a connection, when it has closed it. */
  const exchange = (port: number, text: string): Promise<string> =>
    new Promise((resolve, reject) => {
      const socket = connect(port, "127.0.0.1", () => socket.write(text));
      let answer = "";
      socket.setEncoding("utf8").on("data", (data: string) => (answer += data));
      socket.on("error", reject);
      socket.on("close", () => resolve(answer));
    });
  /** Whether a Service of another trust domain, with a certificate of our authority, gets an answer. */
  const isTaken = async (domain: string): Promise<boolean> => {
    const own = readStateAuthority(mesh.state);
    assert.ok(own);
    const issuer = await Authority.load(own);
    const pair = await issuer.issue({ uri: `spiffe://${domain}/ns/default/sa/web`, lifetimeMs: 60_000 });
    return new Promise((resolve) => {
      const credentials = { ca: own.certificate, cert: pair.certificate, key: pair.privateKey };
      const options = { port: inbound, host: "127.0.0.1", checkServerIdentity: () => undefined, ...credentials };
      const socket = connectTls(options, () =>
        socket.write("GET / HTTP/1.1\r\nhost: shop\r\nconnection: close\r\n\r\n"),
      );
      let text = "";
      socket.setEncoding("utf8").on("data", (data: string) => (text += data));
      socket.on("error", () => undefined);
      socket.on("close", () => resolve(text.startsWith("HTTP/1.1 200")));
    });
  };

  before(async () => {
    shop = createServer((request, response) => {
      const path = request.url ?? "";
      const count = (tries.get(path) ?? 0) + 1;
      tries.set(path, count);
      if (path === "/slow") return;
      response.writeHead(path.startsWith("/flaky") && count < 3 ? 503 : 200);
      response.end(JSON.stringify(request.headers));
    });
    await new Promise<void>((resolve) => shop.listen(0, "127.0.0.1", resolve));
    outside = await startApp("outside");
    mesh = await Mesh.create();
    [inbound = 0, webInbound = 0, outbound = 0] = await freePorts(3);
    write(whole);
    await mesh.startControlPlane();
    await Promise.all([mesh.startSidecar("web-1", "web"), mesh.startSidecar("shop-1", "shop")]);
    await mesh.untilReady();
  });
  after(async () => {
    await mesh.stop();
    shop.close();
    shop.closeAllConnections();
    await outside.stop();
  });

  test("Services that say nothing of mTLS have its mode", async () => {
    const { status, body } = await toShop("/");
    assert.equal(status, 200);
    assert.match(body, /URI=spiffe:\/\/cluster\.local\/ns\/default\/sa\/web/);
    assert.equal(await plainly("/"), 0);
  });

  test("a Service of an alias of the trust domain is one of the mesh, one of another is not", async () => {
    assert.deepEqual([await isTaken("old.example"), await isTaken("other.example")], [true, false]);
  });

  test("requests have its timeout and its retries, also to a Service without routes", async () => {
    const slow = await toShop("/slow");
    assert.deepEqual([slow.status, slow.body], [504, "upstream request timeout"]);
    assert.equal((await toShop("/flaky")).status, 200);
    assert.equal(tries.get("/flaky"), 3);
  });

  test("a host that is no Service's is reached as DNS says", async () => {
    const { body } = await get(outbound, "/x", { headers: { host: `localhost:${String(outside.port)}` } });
    assert.match(body, /"app":"outside"/);
  });

  test("connections of clients end by its limits", async () => {
    const head = "GET / HTTP/1.1\r\nhost: shop\r\n";
    // Until the sidecar closes an unused connection, which it would in an hour.
    assert.match(await exchange(outbound, `${head}\r\n`), /^HTTP\/1\.1 200/);
    assert.match(await exchange(outbound, head), /^HTTP\/1\.1 408/);
    const unfinished = await exchange(outbound, "POST /slow HTTP/1.1\r\nhost: shop\r\ncontent-length: 9\r\n\r\n");
    assert.match(unfinished, /^HTTP\/1\.1 408[^]*stream timeout/);
  });

  test("a connection that is in use takes no more requests after the longest duration", async () => {
    const socket = connect(outbound, "127.0.0.1");
    let text = "";
    socket.setEncoding("utf8").on("data", (data: string) => (text += data));
    let sent = 0;
    await until(() => {
      const answered = text.split("HTTP/1.1 200").length - 1;
      if (answered === sent && !socket.closed) {
        sent += 1;
        socket.write("GET / HTTP/1.1\r\nhost: shop\r\n\r\n");
      }
      return /connection: close/i.test(text);
    }, 30_000);
    socket.destroy();
  });

  test("a faulty Mesh changes nothing", async () => {
    write(whole.replace("Strict", "Off").replace("300ms", "never"));
    await mesh.controlPlane?.waitFor(/refused: .*timeouts\.request/);
    assert.equal(await plainly("/"), 0);
    assert.equal(
      (await mesh.status()).configuration.kept.some(({ resource }) => resource === "Mesh/default"),
      true,
    );
  });

  test("a change of it reaches the sidecars, and what a Service says itself comes first", async () => {
    write("\n  services: { mtls: Strict }\n", "mtls: Permissive");
    await until(async () => (await plainly("/")) === 200, 30_000);
    await until(async () => (await get(outbound, "/", { headers: { host: "localhost" } })).status === 404, 30_000);
    assert.match((await toShop("/")).body, /URI=spiffe:/);
  });
});
