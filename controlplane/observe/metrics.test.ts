import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { TypeUrl } from "../xds/index.ts";
import { serviceText, startPlane, type TestPlane } from "./testdata/plane.ts";

const web = serviceText("web", 8000);
let plane: TestPlane;

before(async () => {
  plane = await startPlane(web);
});
after(() => plane.close());

/** The samples of a scrape, by name and labels. */
async function scrape(): Promise<Map<string, number>> {
  const { status, body } = await plane.get("/metrics");
  assert.equal(status, 200);
  const samples = body.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return new Map(
    samples.map((line) => {
      const at = line.lastIndexOf(" ");
      return [line.slice(0, at), Number(line.slice(at + 1))];
    }),
  );
}

/** Scrapes until a condition holds. */
async function until(condition: (samples: Map<string, number>) => boolean): Promise<Map<string, number>> {
  for (let i = 0; i < 200; i++) {
    const samples = await scrape();
    if (condition(samples)) return samples;
    await sleep(10);
  }
  assert.fail("the condition did not come to hold");
}

describe("a sidecar that connects, takes a change and rejects another", () => {
  test("is counted", async () => {
    const before = await scrape();
    assert.equal(before.get('meshwright_sidecars{state="missing"}'), 1);
    assert.equal(before.get('meshwright_resources{kind="Service"}'), 1);
    assert.equal(before.get('meshwright_reload_duration_seconds_count{result="applied"}'), 1);
    for (const stage of ["read", "modules", "check", "translate"])
      assert.equal(before.get(`meshwright_reload_stage_duration_seconds_count{stage="${stage}"}`), 1);

    const stream = plane.connect("web-1", TypeUrl.cluster);
    const first = await stream.next();
    stream.send({ typeUrl: TypeUrl.cluster, responseNonce: first.nonce });
    const connected = await until(
      (samples) => samples.get('meshwright_push_duration_seconds_count{type="Cluster",outcome="acked"}') === 1,
    );
    assert.equal(connected.get('meshwright_sidecars{state="connected"}'), 1);
    assert.equal(connected.get('meshwright_sidecars{state="missing"}'), 0);
    assert.equal(connected.get('meshwright_streams{protocol="delta"}'), 1);
    assert.equal(connected.get("meshwright_push_wait_seconds_count"), 0, "it belongs to no change");

    await plane.change(web + serviceText("db", 8010));
    const second = await stream.next();
    const pending = await scrape();
    assert.equal(pending.get("meshwright_sidecars_pending"), 1);
    stream.send({ typeUrl: TypeUrl.cluster, responseNonce: second.nonce });
    const converged = await until(
      (samples) => samples.get('meshwright_change_convergence_seconds_count{outcome="acked"}') === 1,
    );
    assert.equal(converged.get("meshwright_sidecars_pending"), 0);
    assert.equal(converged.get("meshwright_push_wait_seconds_count"), 1);

    await plane.change(web + serviceText("db", 8010, "  connectTimeout: 3s\n"));
    const third = await stream.next();
    stream.send({ typeUrl: TypeUrl.cluster, responseNonce: third.nonce, errorDetail: { code: 3, message: "no" } });
    const rejected = await until((samples) => samples.get("meshwright_sidecars_rejecting") === 1);
    assert.equal(rejected.get('meshwright_rejections_total{type="Cluster"}'), 1);
    assert.equal(rejected.get('meshwright_push_duration_seconds_count{type="Cluster",outcome="rejected"}'), 1);
    assert.equal(rejected.get('meshwright_change_convergence_seconds_count{outcome="rejected"}'), 1);
  });
});

test("a change that is refused, and one that changes nothing", async () => {
  await plane.change("kind: Servic");
  const refused = await scrape();
  assert.equal(refused.get('meshwright_reload_duration_seconds_count{result="refused"}'), 1);
  assert.ok((refused.get("meshwright_source_problems") ?? 0) > 0);
  assert.equal((await plane.get("/readyz")).status, 200, "what was before is served");
  await plane.change(web + serviceText("db", 8010, "  connectTimeout: 3s\n"));
  const good = await scrape();
  assert.equal(good.get('meshwright_reload_duration_seconds_count{result="unchanged"}'), 1);
  assert.equal(good.get("meshwright_source_problems"), 0);
});

test("requests are counted by few routes, whatever is asked for", async () => {
  const before = await scrape();
  await plane.get("/nothing/1");
  await plane.get("/nothing/2");
  await plane.get("/modules/2.wasm");
  const { status } = await plane.get("/api/v1/status");
  assert.equal(status, 200);
  const after = await scrape();
  const of = (route: string, status: number): string =>
    `meshwright_http_request_duration_seconds_count{route="${route}",method="GET",status="${String(status)}"}`;
  assert.equal((after.get(of("other", 404)) ?? 0) - (before.get(of("other", 404)) ?? 0), 2);
  assert.equal(after.get(of("/modules/{sha256}.wasm", 404)), 1);
  assert.equal(after.get(of("/api/v1/status", 200)), 1);
  assert.deepEqual(
    [...after.keys()].filter((key) => key.includes("nothing") || key.includes("web-1")),
    [],
  );
});

test("the bytes of modules are counted", async () => {
  const { sha256 } = plane.plane.modules.put(new Uint8Array(1234));
  assert.equal((await plane.get(`/modules/${sha256}.wasm`)).status, 200);
  await until((samples) => samples.get("meshwright_module_served_bytes_total") === 1234);
});

test("on a port of their own, metrics and health are told to everybody, and nothing else is", async () => {
  const get = async (path: string): Promise<number> =>
    (await fetch(`http://127.0.0.1:${plane.metricsPort}${path}`)).status;
  assert.equal(await get("/metrics"), 200);
  assert.equal(await get("/healthz"), 200);
  assert.equal(await get("/readyz"), 200);
  assert.equal(await get("/api/v1/status"), 404);
  assert.equal(await get("/modules/x.wasm"), 404);
});

test("what the reference says there is, there is, and nothing else of ours", async () => {
  const { body } = await plane.get("/metrics");
  const served = [...body.matchAll(/^# TYPE (meshwright_\S+) (\S+)$/gm)].map(([, name, type]) => `${name} ${type}`);
  const reference = readFileSync(new URL("../../docs/reference/metrics.md", import.meta.url), "utf8");
  const documented = [...reference.matchAll(/^\| `(meshwright_\w+)` +\| (\w+) /gm)].map(
    ([, name, type]) => `${name} ${type}`,
  );
  assert.deepEqual(documented.sort(), served.sort());
});
