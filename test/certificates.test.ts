// Certificates in real sidecars: TLS with clients and endpoints that are not of the mesh, whose files change.
import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:https";
import { join } from "node:path";
import type { AddressInfo } from "node:net";
import { after, before, describe, test } from "node:test";
import { connect, TLSSocket } from "node:tls";
import { CertificateAuthority, type Certificate } from "./support/certificates.ts";
import { get, startApp, type Answer } from "./support/http.ts";
import { Mesh } from "./support/mesh.ts";
import { freePorts } from "./support/ports.ts";
import { until } from "./support/until.ts";

describe("Certificates", () => {
  let mesh: Mesh;
  let app: Awaited<ReturnType<typeof startApp>>;
  let second: typeof app;
  let ours: CertificateAuthority;
  let theirs: CertificateAuthority;
  let partner: Server;
  let stranger: Server;
  let [inbound, outbound, other] = [0, 0, 0];
  let first: Certificate;
  /** Of all keys, what must not be found anywhere. */
  const secrets: string[] = [];

  const issue = async (authority: CertificateAuthority, name: string): Promise<Certificate> => {
    const made = await authority.issue(`/CN=${name}`, [`DNS:${name}`]);
    secrets.push(made.key.split("\n")[1] ?? assert.fail());
    return made;
  };
  const serve = async (pair: Certificate): Promise<Server> => {
    const options = { cert: pair.cert, key: pair.key, ca: ours.cert, requestCert: true, rejectUnauthorized: true };
    const server = createServer(options, (request, response) => {
      const { socket } = request;
      assert.ok(socket instanceof TLSSocket);
      response.end(`${String(socket.getPeerCertificate().subject.CN)} asked for ${socket.servername ?? ""}`);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return server;
  };
  const portOf = (server: Server): string => String((server.address() as AddressInfo).port);
  /** What a client outside the mesh is shown and answered; undefined where it gets no answer. */
  const outside = (
    headers: readonly string[] = [],
    to: { readonly port: number; readonly client?: Certificate } = { port: inbound },
  ): Promise<{ readonly serial: string; readonly text: string } | undefined> =>
    new Promise((resolve) => {
      const { cert, key } = to.client ?? {};
      const shown = cert === undefined || key === undefined ? {} : { cert, key };
      const server = { port: to.port, host: "127.0.0.1", servername: "web.example", ca: ours.cert };
      const socket = connect({ ...server, ...shown }, () =>
        socket.write(["GET / HTTP/1.1", "host: web", "connection: close", ...headers, "", ""].join("\r\n")),
      );
      let [text, serial] = ["", ""];
      socket.on("secureConnect", () => (serial = socket.getPeerCertificate().serialNumber));
      socket.setEncoding("utf8").on("data", (data: string) => (text += data));
      socket.on("error", () => undefined);
      socket.on("close", () => resolve(text === "" ? undefined : { serial, text }));
    });
  const server = (): readonly string[] => ["--http", `127.0.0.1:${String(mesh.httpPort)}`];
  const through = (host: string): Promise<Answer> => get(outbound, "/", { headers: { host } });
  const namesOfSecrets = async (node: string): Promise<string[]> => {
    const { body } = await get(mesh.envoys.get(node)?.adminPort ?? 0, "/config_dump?resource=dynamic_active_secrets");
    const { configs = [] } = JSON.parse(body) as { configs?: { name: string }[] };
    // Those by which it reaches the control plane are in its bootstrap.
    return configs
      .map(({ name }) => name)
      .filter((name) => !name.startsWith("meshwright-"))
      .sort();
  };

  before(async () => {
    [ours, theirs] = await Promise.all([CertificateAuthority.create("ours"), CertificateAuthority.create("theirs")]);
    const [partnerPair, strangerPair, client] = [
      await issue(theirs, "partner.example"),
      await issue(ours, "partner.example"),
      await issue(ours, "our-client"),
    ];
    first = await issue(ours, "web.example");
    [partner, stranger] = [await serve(partnerPair), await serve(strangerPair)];
    app = await startApp("web");
    second = await startApp("other");
    mesh = await Mesh.create();
    [inbound = 0, outbound = 0, other = 0] = await freePorts(3);
    mesh.write("web.pem", first.cert);
    mesh.write("web.key", first.key);
    mesh.write("client.pem", client.cert);
    mesh.write("client.key", client.key);
    mesh.write("theirs.pem", theirs.cert);
    mesh.write(
      "mesh.yaml",
      `apiVersion: meshwright.dev/v1alpha1
kind: Certificate
metadata: { name: web }
spec: { certFile: web.pem, keyFile: web.key }
---
apiVersion: meshwright.dev/v1alpha1
kind: Certificate
metadata: { name: partner }
spec: { certFile: client.pem, keyFile: client.key, caFile: theirs.pem }
---
apiVersion: meshwright.dev/v1alpha1
kind: Service
metadata: { name: web }
spec:
  port: 80
  mtls: Strict
  inboundTls: { certificate: web }
  endpoints: [{ address: 127.0.0.1, port: ${String(app.port)}, sidecar: { node: web-1, inboundPort: ${String(inbound)}, outboundPort: ${String(outbound)} } }]
---
apiVersion: meshwright.dev/v1alpha1
kind: Certificate
metadata: { name: clients }
spec: { caFile: theirs.pem }
---
apiVersion: meshwright.dev/v1alpha1
kind: Service
metadata: { name: other }
spec:
  port: 80
  mtls: Strict
  inboundTls: { certificate: web, trust: clients }
  endpoints: [{ address: 127.0.0.1, port: ${String(second.port)}, sidecar: { node: other-1, inboundPort: ${String(other)} } }]
${["partner", "stranger", "misnamed"]
  .map(
    (name) => `---
apiVersion: meshwright.dev/v1alpha1
kind: Service
metadata: { name: ${name} }
spec:
  port: 443
  endpointTls: { hostname: ${name === "misnamed" ? "another.example" : "partner.example"}, trust: partner, certificate: partner }
  endpoints: [{ address: localhost, port: ${portOf(name === "stranger" ? stranger : partner)} }]
`,
  )
  .join("")}`,
    );
    await mesh.startControlPlane();
    await Promise.all([mesh.startSidecar("web-1", "web"), mesh.startSidecar("other-1", "other")]);
    await mesh.untilReady();
  });
  after(async () => {
    await mesh.stop();
    await Promise.all([app.stop(), second.stop()]);
    for (const server of [partner, stranger]) {
      server.close();
      server.closeAllConnections();
    }
    ours.remove();
    theirs.remove();
  });

  test("a client outside the mesh is shown the Service's own certificate, and is not believed", async () => {
    const answer = await outside(["x-forwarded-for: 198.51.100.7", "x-forwarded-client-cert: URI=spiffe://forged"]);
    assert.match(answer?.text ?? "", /^HTTP\/1\.1 200/);
    assert.doesNotMatch(answer?.text ?? "", /forged/);
    // What it says stands before the address that it has.
    assert.match(answer?.text ?? "", /"x-forwarded-for":"198\.51\.100\.7,[^"]+"/);
  });

  test("beside it the mesh speaks mutual TLS, and plaintext is refused", async () => {
    const { status, body } = await through("web");
    assert.equal(status, 200);
    assert.match(body, /URI=spiffe:\/\/cluster\.local\/ns\/default\/sa\/web/);
    await assert.rejects(get(inbound, "/"));
  });

  test("a client that pretends to be of the mesh is asked for its certificate", async () => {
    const closed = await new Promise<boolean>((resolve) => {
      const options = { port: inbound, host: "127.0.0.1", servername: "mesh.meshwright.internal" };
      const socket = connect({ ...options, rejectUnauthorized: false }, () =>
        socket.write("GET / HTTP/1.1\r\nhost: web\r\n\r\n"),
      );
      socket.on("data", () => resolve(false));
      socket.on("error", () => undefined);
      socket.on("close", () => resolve(true));
    });
    assert.ok(closed);
  });

  test("a Service that wants clients' certificates answers those of its authorities only", async () => {
    const ask = async (authority?: CertificateAuthority, ...names: string[]): Promise<string | undefined> => {
      const client = await authority?.issue("/O=Corp/CN=client", names);
      const forged = "x-forwarded-client-cert: URI=spiffe://forged";
      return (await outside([forged], { port: other, ...(client === undefined ? {} : { client }) }))?.text;
    };
    const answer = await ask(theirs, "DNS:client.example", "URI:spiffe://partner.example/client");
    assert.match(answer ?? "", /^HTTP\/1\.1 200/);
    assert.match(
      answer ?? "",
      /Subject=\\?\\"CN=client,O=Corp\\?\\".*URI=spiffe:\/\/partner\.example\/client;DNS=client\.example/,
    );
    assert.doesNotMatch(answer ?? "", /forged/);
    assert.equal(await ask(), undefined);
    assert.equal(await ask(ours), undefined);
    // Their authority may not say who is of the mesh.
    const ofMesh = "URI:spiffe://cluster.local/ns/default/sa/web";
    assert.equal(await ask(theirs, ofMesh), undefined);
    assert.equal(await ask(theirs, "URI:spiffe://partner.example/client", ofMesh), undefined);
    assert.equal(await ask(theirs, "DNS:client.example", "URI:SPIFFE://cluster.local/ns/default/sa/web"), undefined);
    await assert.rejects(get(other, "/"));
  });

  test("endpoints outside the mesh are asked for by name, and shown the client's certificate", async () => {
    assert.deepEqual(await through("partner").then(({ status, body }) => [status, body]), [
      200,
      "our-client asked for partner.example",
    ]);
  });

  test("who is not of a trusted authority, or has another name, gets no request", async () => {
    for (const [host, why] of [
      ["stranger", "fail_verify_error"],
      ["misnamed", "fail_verify_san"],
    ] as const) {
      assert.equal((await through(host)).status, 503, host);
      const stats = await mesh.envoys.get("web-1")?.stats(`outbound.${host}.443.ssl.${why}`);
      assert.ok(
        [...(stats?.values() ?? [])].some((count) => count > 0),
        `${host}: ${why}`,
      );
    }
  });

  test("a sidecar has the secrets that it needs, and no others", async () => {
    const secretsOfWeb = ["authorities|partner", "certificate|partner", "certificate|web", "trust", "workload"];
    assert.deepEqual(await namesOfSecrets("web-1"), secretsOfWeb);
    const secretsOfOther = ["authorities|clients", "certificate|web", "trust", "workload"];
    assert.deepEqual(await namesOfSecrets("other-1"), secretsOfOther);
  });

  test("new files are taken over without a restart; a key that is not the certificate's changes nothing", async () => {
    const next = await issue(ours, "web.example");
    const before = (await outside())?.serial;
    assert.ok(before);
    mesh.write("web.key", next.key);
    await mesh.controlPlane?.waitFor(/the private key is not that of the certificate/);
    assert.equal((await outside())?.serial, before);
    const { refused, kept } = (await mesh.status()).configuration;
    assert.match(refused.join(), /web\.key: the private key is not that of the certificate \(CN=web\.example/);
    assert.deepEqual(
      kept.map(({ resource }) => resource),
      ["Certificate/web"],
    );
    mesh.write("web.pem", next.cert);
    await until(async () => (await outside())?.serial !== before, 20_000);
    await until(async () => (await mesh.status()).configuration.refused.length === 0, 20_000);
  });

  test("no private key is in what is logged, shown or kept", async () => {
    const shown = [
      mesh.controlPlane?.output ?? "",
      await mesh.api("/api/v1/status"),
      await mesh.meshwright("config", ["dump", "web-1", ...server()]),
      await mesh.meshwright("trace", ["web-1", "Certificate/web", ...server()]),
      ...readdirSync(mesh.state, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => readFileSync(join(entry.parentPath, entry.name)).toString("latin1")),
    ].join("\n");
    assert.match(shown, /certificate\|web/);
    for (const secret of secrets) assert.ok(!shown.includes(secret));
  });

  test("a Certificate cannot be applied, and its key is not sent", async () => {
    const file = join(mesh.folder, "sent.yaml");
    writeFileSync(
      file,
      `apiVersion: meshwright.dev/v1alpha1
kind: Certificate
metadata: { name: sent }
spec: { certFile: config/web.pem, keyFile: config/web.key }
`,
    );
    await assert.rejects(
      mesh.meshwright("apply", ["-f", file, "--state", mesh.state, ...server()]),
      /a Certificate is written in the folder of serve or in a cluster/,
    );
  });
});
