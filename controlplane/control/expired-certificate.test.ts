import assert from "node:assert/strict";
import { after, test } from "node:test";
import { pino } from "pino";
import { until } from "../../test/support/until.ts";
import { statusReport } from "../api/index.ts";
import { Security } from "../security/index.ts";
import { put, scratchFolder, testAuthority } from "../security/testdata/fixtures.ts";
import { FolderSource } from "../source/index.ts";
import { ControlPlane } from "./index.ts";

const folder = scratchFolder();
const config = scratchFolder();
after(() => {
  folder.remove();
  config.remove();
});

const service = (name: string, port: number, more = ""): string => `---
apiVersion: meshwright.dev/v1alpha1
kind: Service
metadata: { name: ${name} }
spec:
  port: 80
  ${more}
  endpoints: [{ address: 127.0.0.1, port: ${String(port)}, sidecar: { node: ${name}-1, inboundPort: ${String(port + 1)} } }]
`;
const MESH = `apiVersion: meshwright.dev/v1alpha1
kind: Certificate
metadata: { name: web }
spec: { certFile: web.pem, keyFile: web.key }
${service("web", 8000, "inboundTls: { certificate: web }")}${service("db", 8010)}`;

const log: string[] = [];

async function start(): Promise<ControlPlane> {
  const capture = pino({}, { write: (line: string) => void log.push((JSON.parse(line) as { msg: string }).msg) });
  return ControlPlane.start({
    source: new FolderSource(config.path),
    stateFolder: folder.path,
    xds: { host: "127.0.0.1", port: 0 },
    http: { host: "127.0.0.1", port: 0 },
    modulesCluster: "modules",
    security: await Security.open({ stateFolder: folder.path, log: capture }),
    log: capture,
  });
}

test("a Certificate that ends is told of before, is served on when it has, and is not served after a start", async () => {
  const authority = await testAuthority();
  const pair = await authority.issue("spiffe://example/web", { lifetimeMs: 8_000 });
  put(config.path, "web.pem", pair.certificate);
  put(config.path, "web.key", pair.privateKey);
  put(config.path, "mesh.yaml", MESH);

  let plane = await start();
  const configuration = (): ReturnType<typeof statusReport>["configuration"] => statusReport(plane).configuration;
  const said = (pattern: RegExp): boolean => log.some((line) => pattern.test(line));
  try {
    assert.ok(said(/^the certificate of Certificate\/web ends at /));
    const { ending, refused } = configuration();
    assert.deepEqual([ending.map(({ certificate }) => certificate), refused], [["Certificate/web"], []]);
    assert.match(
      await plane.metrics.text(),
      /^meshwright_certificate_end_timestamp_seconds\{use="certificate"\} \d+$/m,
    );

    await until(() => configuration().refused.length > 0, 30_000);
    assert.ok(said(/^the certificate of Certificate\/web ended at /));
    assert.match(configuration().refused.join(), /web\.pem: certificate 1 \(.*\) ended at /);
    assert.deepEqual(
      configuration().kept.map(({ resource }) => resource),
      ["Certificate/web"],
    );
    assert.deepEqual([...(plane.release?.model.services.keys() ?? [])].sort(), ["db", "web"]);
  } finally {
    await plane.close();
  }

  plane = await start();
  try {
    assert.deepEqual(
      configuration()
        .leftOut.map(({ resource }) => resource)
        .sort(),
      ["Certificate/web", "Service/web"],
    );
    assert.deepEqual([...(plane.release?.model.services.keys() ?? [])], ["db"]);
  } finally {
    await plane.close();
  }
});
