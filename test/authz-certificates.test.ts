// Certificates of clients as principals of authz, in a real Envoy.
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { connect } from "node:tls";
import { everybody } from "../filters/testing/authz.ts";
import { filterModule } from "../filters/testing/filter.ts";
import { root } from "../setup/paths.mjs";
import { CertificateAuthority, type Certificate } from "./support/certificates.ts";
import { FilterEnvoy, wasmFilter } from "./support/filter-chains.ts";

const URI = "spiffe://corp.example/ns/shop/sa/cart";
const rule = (name: string, principals: readonly object[]): object => ({
  name,
  action: "allow",
  paths: [{ exact: `/${name}` }],
  principals,
});
const configuration = {
  rules: [
    { name: "banned", action: "deny", principals: [{ peer: { exact: "spiffe://corp.example/banned" } }] },
    rule("uri", [{ peer: { exact: URI } }]),
    rule("trust-domain", [{ peer: { prefix: "spiffe://corp.example/" } }]),
    rule("dns", [{ peerDns: { suffix: ".corp.example" } }]),
    rule("subject", [{ peerSubject: { exact: "CN=cart,O=Corp" } }]),
    rule("both", [{ allOf: [{ peer: { exact: URI } }, { peerDns: { exact: "cart.corp.example" } }] }]),
    rule("not", [{ not: { peer: { prefix: "spiffe://corp.example/" } } }]),
    rule("credential", [{ authenticated: true }]),
    { name: "open", action: "allow", paths: [{ exact: "/open" }], ...everybody },
  ],
};
const paths = ["uri", "trust-domain", "dns", "subject", "both", "not", "credential", "open"];

let envoy: FilterEnvoy;
let corp: CertificateAuthority;
let other: CertificateAuthority;
before(async () => {
  await filterModule("authz");
  [corp, other] = await Promise.all([CertificateAuthority.create("corp"), CertificateAuthority.create("other")]);
  const filters = [wasmFilter("authz", join(root, "build", "authz.wasm"), configuration)];
  const server = await corp.issue("/CN=server", ["DNS:server"]);
  const trusted_ca = { inline_string: corp.cert };
  envoy = await FilterEnvoy.start({ verified: filters, required: filters, untrusted: filters, plain: filters }, [], {
    tls: {
      verified: tlsContext(server, { validation_context: { trusted_ca } }),
      required: tlsContext(server, { validation_context: { trusted_ca } }, true),
      untrusted: tlsContext(server, {
        validation_context: { trusted_ca, trust_chain_verification: "ACCEPT_UNTRUSTED" },
      }),
    },
  });
});
after(async () => {
  await envoy.stop();
  corp.remove();
  other.remove();
});

function tlsContext(server: Certificate, more: object, required = false): object {
  const certificate = { certificate_chain: { inline_string: server.cert }, private_key: { inline_string: server.key } };
  return {
    common_tls_context: { tls_certificates: [certificate], ...more },
    require_client_certificate: required,
  };
}

/** The paths that a client may go to; undefined where there is no connection. */
async function allowed(
  chain: string,
  client: Certificate | undefined,
  lines: readonly string[] = [],
): Promise<string[] | undefined> {
  const good: string[] = [];
  for (const path of paths) {
    const status = await request(chain, client, `/${path}`, lines);
    if (status === undefined) return undefined;
    assert.ok([200, 403].includes(status), `${path}: ${status}`);
    if (status === 200) good.push(path);
  }
  return good;
}

function request(
  chain: string,
  client: Certificate | undefined,
  path: string,
  lines: readonly string[],
): Promise<number | undefined> {
  return new Promise((resolve) => {
    const socket = connect({
      host: "127.0.0.1",
      port: envoy.port(chain),
      ca: corp.cert,
      servername: "server",
      ...client,
    });
    socket.setEncoding("latin1").setTimeout(10_000, () => socket.destroy());
    socket.on("error", () => resolve(undefined)).on("close", () => resolve(undefined));
    socket.on("data", (text: string) => {
      resolve(Number(text.slice(9, 12)));
      socket.destroy();
    });
    socket.write([`GET ${path} HTTP/1.1`, "host: a.example", ...lines, "", ""].join("\r\n"));
  });
}

test("a certificate with the right names, and with others", async () => {
  const cart = await corp.issue("/O=Corp/CN=cart", [`URI:${URI}`, "DNS:cart.corp.example"]);
  const all = ["uri", "trust-domain", "dns", "subject", "both", "open"];
  assert.deepEqual(await allowed("verified", cart), all);
  assert.deepEqual(await allowed("required", cart), all);
  const sibling = await corp.issue("/O=Corp/CN=web", ["URI:spiffe://corp.example/ns/shop/sa/web", "DNS:corp.example"]);
  assert.deepEqual(await allowed("verified", sibling), ["trust-domain", "open"]);
  const foreign = await corp.issue("/O=Other/CN=cart", [
    "URI:spiffe://corp.example.evil/x",
    "DNS:cart.corp.example.evil",
  ]);
  assert.deepEqual(await allowed("verified", foreign), ["not", "open"]);
  const banned = await corp.issue("/CN=banned", ["URI:spiffe://corp.example/banned"]);
  assert.deepEqual(await allowed("verified", banned), []);
});

test("names in the wrong place", async () => {
  const inSubject = await corp.issue(`/CN=${URI.replaceAll("/", "\\/")}`, ["DNS:a.example"]);
  assert.deepEqual(await allowed("verified", inSubject), ["not", "open"]);
  const asDns = await corp.issue("/CN=a", [`DNS:${URI}`]);
  assert.deepEqual(await allowed("verified", asDns), ["not", "open"]);
  const nameless = await corp.issue("/CN=a");
  assert.deepEqual(await allowed("verified", nameless), ["not", "open"]);
});

test("no certificate, and that of another authority", async () => {
  assert.deepEqual(await allowed("verified", undefined), ["not", "open"]);
  assert.equal(await allowed("required", undefined), undefined);
  const forged = await other.issue("/O=Corp/CN=cart", [`URI:${URI}`, "DNS:cart.corp.example"]);
  assert.equal(await allowed("verified", forged), undefined);
  assert.equal(await allowed("required", forged), undefined);
});

test("x-forwarded-client-cert means nothing", async () => {
  const forged = [
    `x-forwarded-client-cert: By=spiffe://a;Hash=00;Subject="CN=cart,O=Corp";URI=${URI};DNS=cart.corp.example`,
  ];
  assert.deepEqual(await allowed("verified", undefined, forged), ["not", "open"]);
  for (const path of paths) {
    const { status } = await envoy.get("plain", `/${path}`, forged);
    assert.equal(status, ["not", "open"].includes(path) ? 200 : 403, path);
  }
});

test("Envoy tells of names that it did not verify, where it is told to accept them: the page on authentication warns", async () => {
  const forged = await other.issue("/O=Corp/CN=cart", [`URI:${URI}`]);
  assert.ok((await allowed("untrusted", forged))?.includes("uri"));
});

test("of several URIs, Envoy tells of the first", async () => {
  const two = await corp.issue("/CN=a", ["URI:https://a.example", `URI:${URI}`]);
  assert.deepEqual(await allowed("verified", two), ["not", "open"]);
});
