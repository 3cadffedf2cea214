// The dashboard in a real browser, before a real control plane.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { get as getPlain, request } from "node:http";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { Browser } from "playwright-core";
import type { RolloutsOverview } from "../controlplane/api/index.ts";
import { testAuthority } from "../controlplane/security/testdata/fixtures.ts";
import { buildDashboard } from "../dashboard/build.mjs";
import { root } from "../setup/paths.mjs";
import { startBrowser, WatchedPage, withoutBrowser } from "./support/browser.ts";
import { LargeFleet } from "./support/large-fleet.ts";
import { PretendedFleet } from "./support/pretended-fleet.ts";
import { Process } from "./support/processes.ts";
import { until } from "./support/until.ts";

const HTML = '<img src=x onerror="document.title=1"><script>document.title=2</script>';

interface Pixels {
  getImageData(x: number, y: number, width: number, height: number): { readonly data: Uint8ClampedArray };
}

const policy = (name: string, service: string, tokens: number): string => `
apiVersion: meshwright.dev/v1alpha1
kind: FilterPolicy
metadata: { name: ${name} }
spec:
  targetRefs: [{ kind: Service, name: ${service} }]
  module: ratelimit
  configuration:
    limits: [{ name: a, key: [{ header: x }], tokenBucket: { maxTokens: ${tokens}, tokensPerFill: 1, fillInterval: 1s } }]
---`;
const rollout = (name: string, waves: string): string => `
apiVersion: meshwright.dev/v1alpha1
kind: Rollout
metadata: { name: ${name} }
spec: { targetRefs: [{ kind: FilterPolicy, name: ${name} }], waves: [${waves}], analysis: { minRequests: 0 } }
---`;
const modules = `
apiVersion: meshwright.dev/v1alpha1
kind: WasmModule
metadata: { name: ratelimit }
spec: { file: ratelimit.wasm }
---`;
/** Envoys refuse this many tokens. */
const REFUSED = 13;
const policies = (web: number, api: number): string => policy("web", "web", web) + policy("api", "api", api);

describe("the dashboard", { skip: withoutBrowser() }, () => {
  let fleet: PretendedFleet;
  let browser: Browser;
  const commands: Process[] = [];

  before(async () => {
    await buildDashboard();
    [fleet, browser] = await Promise.all([
      PretendedFleet.start({
        services: { web: 12, api: 8, idle: 3 },
        files: {
          "ratelimit.wasm": readFileSync(join(root, "build", "ratelimit.wasm")),
          "modules.yaml":
            modules +
            rollout(
              "web",
              "{ name: canary, percentage: 10, bake: 1s }, { percentage: 100, bake: 1s, approval: Manual }",
            ) +
            rollout("api", "{ name: canary, percentage: 10, bake: 1s }, { percentage: 100, bake: 1s }"),
          "policies.yaml": policies(1, 1),
        },
        conduct: (filter, configuration) =>
          configuration.includes(`"maxTokens":${REFUSED}`) ? { refusal: `no plugin ${filter}\n${HTML}` } : {},
      }),
      startBrowser(),
    ]);
  });
  after(async () => {
    await browser.close();
    await Promise.all(commands.map((command) => command.stop()));
    await fleet.stop();
  });

  /** What `meshwright dashboard` prints. */
  async function enter(token?: string): Promise<string> {
    const file = join(root, "node_modules", ".bin", "meshwright");
    const args = ["dashboard", "--port", "0", "--state", fleet.state, "--http", `127.0.0.1:${fleet.httpPort}`];
    const env = { ...process.env, ...(token === undefined ? {} : { MESHWRIGHT_TOKEN: token }) };
    const command = new Process("meshwright dashboard", process.execPath, [file, ...args], { env });
    commands.push(command);
    return (await command.waitFor(/http:\S+\n/))[0].trim();
  }

  const overview = async (): Promise<RolloutsOverview> => {
    const { rolloutsOverview } = await import("../controlplane/api/rollout-overview.ts");
    return rolloutsOverview(fleet.plane.rollouts.views, fleet.plane);
  };
  const stateOf = async (name: string): Promise<string | undefined> =>
    (await overview()).rollouts.find((one) => one.name === name)?.state;

  test("nobody is let in who does not have the address, which is good once; and then only to what the page needs", async () => {
    const url = new URL(await enter());
    const key = url.hash.slice("#key=".length);
    const port = Number(url.port);
    const ask = (method: string, path: string, headers: Record<string, string> = {}): Promise<[number, string]> =>
      new Promise((resolve, reject) => {
        const asking = request({ host: "127.0.0.1", port, method, path, headers }, (response) => {
          let body = "";
          response.setEncoding("utf8").on("data", (text: string) => (body += text));
          response.on("end", () => resolve([response.statusCode ?? 0, body]));
        });
        asking.on("error", reject).end();
      });
    const bearer = (secret: string): { authorization: string } => ({ authorization: `Bearer ${secret}` });
    assert.equal((await ask("GET", "/api/v1/fleet"))[0], 401);
    assert.equal((await ask("GET", "/api/v1/fleet", bearer(key)))[0], 401);
    assert.equal((await ask("POST", "/enter", bearer("A".repeat(43))))[0], 403);
    // A page whose name was made to resolve to this machine, one of another port of it, and one of elsewhere.
    assert.equal((await ask("POST", "/enter", { ...bearer(key), host: `evil.example:${port}` }))[0], 421);
    assert.equal((await ask("POST", "/enter", { ...bearer(key), origin: `http://127.0.0.1:${port + 1}` }))[0], 403);
    assert.equal((await ask("POST", "/enter", { ...bearer(key), "sec-fetch-site": "cross-site" }))[0], 403);
    const [status, body] = await ask("POST", "/enter", bearer(key));
    assert.equal(status, 200);
    const { token } = JSON.parse(body) as { token: string };
    assert.equal((await ask("POST", "/enter", bearer(key)))[0], 403, "the key is good once");
    assert.match((await ask("GET", "/api/v1/caller", bearer(token)))[1], /"role": "admin"/);
    for (const path of ["/api/v1/fleet", "/api/v1/rollouts?brief", "/api/v1/sidecar?node=web-1"])
      assert.equal((await ask("GET", path, bearer(token)))[0], 200, path);
    const others: [string, string][] = [
      ["POST", "/api/v1/apply"],
      ["GET", "/api/v1/backup"],
      ["GET", "/api/v1/resources"],
      ["GET", "/api/v1/../../etc/passwd"],
      ["DELETE", "/api/v1/rollouts/web/abort"],
      ["POST", "/api/v1/rollouts/web/abort/.."],
    ];
    for (const [method, path] of others) assert.equal((await ask(method, path, bearer(token)))[0], 403, path);
    assert.equal((await ask("GET", "/modules/x"))[0], 404);
    const [, page] = await ask("GET", "/dashboard/");
    assert.match(page, /<div id="app">/);
    const headers = await new Promise<NodeJS.Dict<string | string[]>>((resolve) =>
      getPlain({ host: "127.0.0.1", port, path: "/dashboard/" }, (response) => resolve(response.resume().headers)),
    );
    assert.match(String(headers["content-security-policy"]), /default-src 'none'.*frame-ancestors 'none'/);
  });

  test("a rollout is seen live through its states, and steered by its buttons", async () => {
    const dashboard = await WatchedPage.open(browser, await enter());
    const { page } = dashboard;
    await dashboard.goTo("#/rollouts/web", /^web/);
    await page.getByText("No run yet").waitFor();
    assert.ok(!page.url().includes("key"));
    const chip = page.getByRole("heading", { level: 1 });
    const button = (name: string): ReturnType<typeof page.getByRole> => page.getByRole("button", { name });
    const heard = new Set<string>();
    const listen = async (): Promise<void> => void heard.add(await page.getByRole("status").first().innerText());
    fleet.write("policies.yaml", policies(2, 1));
    await chip.filter({ hasText: "Waiting: approval" }).waitFor();
    await listen();
    await page
      .getByText(/tokens.*|maxTokens: 2/)
      .first()
      .waitFor();
    await button("Pause").click();
    await chip.filter({ hasText: "Paused" }).waitFor();
    assert.equal(await stateOf("web"), "Paused");
    await button("Resume").click();
    await chip.filter({ hasText: "Waiting: approval" }).waitFor();
    await button("Approve next wave").click();
    await chip.filter({ hasText: "Settled" }).waitFor();
    await until(async () => {
      await listen();
      return [...heard].some((text) => text.includes("Rollout web"));
    }, 10_000);
    await page.getByText(/^promoted by/).waitFor();
    assert.equal(await stateOf("web"), "Settled");
    assert.deepEqual(dashboard.faults, []);

    // By the keyboard alone: to the button that undoes it, through the question, and back.
    await button("Undo").focus();
    await page.keyboard.press("Enter");
    const question = page.getByRole("dialog", { name: "Undo: web" });
    await question.waitFor();
    assert.deepEqual(await dashboard.violations(), []);
    await page.keyboard.press("Escape");
    await question.waitFor({ state: "detached" });
    await button("Undo").focus();
    await page.keyboard.press("Space");
    await question.waitFor();
    await page.keyboard.press("Tab");
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await chip.filter({ hasText: "Waiting: approval" }).waitFor();
    await button("Abort").click();
    await page.getByRole("dialog").getByRole("button", { name: "Abort" }).click();
    await chip.filter({ hasText: "Settled" }).waitFor();
    await page.getByText("aborted by", { exact: false }).first().waitFor();
    assert.deepEqual(dashboard.faults, []);
    await dashboard.close();
  });

  test("what Envoy says is shown as it says it, and is no HTML", async () => {
    const dashboard = await WatchedPage.open(browser, await enter());
    const { page } = dashboard;
    fleet.write("policies.yaml", policies(2, REFUSED));
    await dashboard.goTo("#/rollouts/api", /^api/);
    await page.getByText("rejected by Envoy").first().waitFor();
    await page.getByText(HTML).first().waitFor();
    assert.equal(await stateOf("api"), "Held");
    await page.getByRole("button", { name: "Retry" }).waitFor();
    assert.equal(await page.locator("main img, main script").count(), 0);
    assert.match(await page.title(), /api/);
    await dashboard.goTo("#/rejections", /^Rejections/);
    await page.getByText("Envoys refuse now").waitFor();
    assert.deepEqual(dashboard.faults, []);
    await dashboard.close();
  });

  test("faulty resources are shown in the words of the control plane, with what is served in their place", async () => {
    const dashboard = await WatchedPage.open(browser, await enter());
    const { page } = dashboard;
    await dashboard.goTo("#/fleet", /^Fleet/);
    const service =
      "{ apiVersion: meshwright.dev/v1alpha1, kind: Service, metadata: { name: new }, spec: { port: 0 } }\n---\n";
    fleet.write("policies.yaml", service + policies(2, REFUSED).replace("module: ratelimit", "module: ratelimits"));
    const faults = page.getByRole("region", { name: "faults in the resources; all else is served" });
    await faults.getByText('there is no WasmModule "ratelimits" (did you mean "ratelimit"?)').waitFor();
    await faults.getByText("spec.port: expected integer of at least 1").waitFor();
    await faults.getByRole("list", { name: "Served as before" }).getByText("FilterPolicy/web").waitFor();
    await faults.getByRole("list", { name: "Not served" }).getByText("Service/new").waitFor();
    fleet.write("policies.yaml", policies(2, REFUSED));
    await faults.waitFor({ state: "detached" });
    assert.deepEqual(dashboard.faults, []);
    await dashboard.close();
  });

  test("certificates that are about to end are shown, with when they do, until they are replaced", async () => {
    const dashboard = await WatchedPage.open(browser, await enter());
    const { page } = dashboard;
    await dashboard.goTo("#/fleet", /^Fleet/);
    const authority = await testAuthority();
    const replace = async (lifetimeMs: number): Promise<void> => {
      const pair = await authority.issue("spiffe://example/web", { lifetimeMs });
      fleet.write("shop.key", pair.privateKey);
      fleet.write("shop.pem", pair.certificate);
    };
    // Of a validity that began a minute ago; on a slow machine it has ended by the time that it is seen.
    await replace(19_000);
    const named = "{ apiVersion: meshwright.dev/v1alpha1, kind: Certificate, metadata: { name: shop }";
    fleet.write("shop.yaml", `${named}, spec: { certFile: shop.pem, keyFile: shop.key } }\n`);
    const ending = page.getByRole("region", { name: "1 certificate to be replaced" });
    await ending.getByText(/^Certificate\/shop (ends|ended) /).waitFor();
    assert.deepEqual(await dashboard.violations(), []);
    await replace(3_600_000);
    await ending.waitFor({ state: "detached" });
    assert.deepEqual(dashboard.faults, []);
    await dashboard.close();
  });

  test("a viewer sees all, and can do nothing", async () => {
    const url = await enter(fleet.token("viewer"));
    const dashboard = await WatchedPage.open(browser, url);
    const { page } = dashboard;
    await dashboard.goTo("#/rollouts/api", /^api/);
    assert.equal(await page.getByRole("button", { name: "Retry" }).isDisabled(), true);
    await page.getByText("Your role is viewer").waitFor();
    // As if the page had no such manners.
    const [status, body] = await page.evaluate<[number, string]>(`(async () => {
      const headers = { authorization: "Bearer " + sessionStorage.getItem("meshwright-token") };
      const response = await fetch("/api/v1/rollouts/api/retry", { method: "POST", headers });
      return [response.status, await response.text()];
    })()`);
    assert.equal(status, 403);
    assert.match(body, /needs the role operator, and token viewer \(\w+\) has the role viewer/);
    await dashboard.close();
  });

  test("the keyboard reaches everything: pages, sidecars on the map, one of them, and back", async () => {
    const dashboard = await WatchedPage.open(browser, await enter());
    const { page } = dashboard;
    await page.getByRole("heading", { level: 1, name: "Fleet" }).waitFor();
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    assert.equal(await page.evaluate("document.activeElement.id"), "content");
    const map = page.getByRole("img", { name: /^web: 12 ready/ });
    await map.waitFor();
    for (
      let i = 0;
      i < 40 && !(await page.evaluate<boolean>("document.activeElement.matches('canvas[aria-label^=web]')"));
      i++
    )
      await page.keyboard.press("Tab");
    await page.keyboard.press("ArrowRight");
    await page.getByRole("status").filter({ hasText: "web-2, ready" }).waitFor();
    await page.keyboard.press("Enter");
    await page.getByRole("dialog", { name: "web-2" }).getByText("ready").first().waitFor();
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "detached" });
    assert.deepEqual(dashboard.faults, []);
    await dashboard.close();
  });

  test("10,000 sidecars: the page is there soon, says how many are well, and finds one", async () => {
    const large = await LargeFleet.start();
    const dashboard = await WatchedPage.open(browser, `${large.url}/dashboard/`);
    const { page } = dashboard;
    await page.getByRole("button", { name: "ready 9,900" }).waitFor();
    await page.getByRole("button", { name: "faulty 100" }).waitFor();
    const seen = page.getByRole("img", { name: /^service-00: 5 faulty, 495 ready/ });
    await seen.waitFor();
    // Its cells are drawn: some of its pixels are coloured.
    await until(
      () =>
        seen.evaluate((one) => {
          const canvas = one as unknown as { width: number; height: number; getContext(of: "2d"): Pixels };
          return canvas
            .getContext("2d")
            .getImageData(0, 0, canvas.width, canvas.height)
            .data.some((value) => value > 0);
        }),
      10_000,
    );
    await page.getByRole("searchbox").fill("service-07-499");
    await page.getByText("1 sidecar", { exact: true }).waitFor();
    await page.getByRole("button", { name: "faulty 100" }).click();
    await dashboard.goTo("#/rejections", /^Rejections/);
    await page.getByText("100 sidecars").waitFor();
    // Asked again, it is told that nothing changed; and a change without a new sidecar is a few kilobytes.
    const first = await fetch(`${large.url}/api/v1/fleet`);
    const version = ((await first.json()) as { nodesVersion: string }).nodesVersion;
    const again = await fetch(`${large.url}/api/v1/fleet?nodes=${version}`);
    const etag = again.headers.get("etag") ?? "";
    assert.ok(Number(again.headers.get("content-length")) < 20_000, "in few bytes");
    await again.arrayBuffer();
    const headers = { "if-none-match": etag };
    assert.equal((await fetch(`${large.url}/api/v1/fleet?nodes=${version}`, { headers })).status, 304);
    assert.deepEqual(dashboard.faults, []);
    await dashboard.close();
    await large.stop();
  });

  const pages: readonly (readonly [hash: string, heading: RegExp])[] = [
    ["#/fleet", /^Fleet/],
    ["#/rollouts", /^Rollouts/],
    ["#/rollouts/web", /^web/],
    ["#/rollouts/api", /^api/],
    ["#/rejections", /^Rejections/],
    ["#/history", /^History/],
    ["#/experiments", /^Experiments/],
    ["#/limits", /^Limits/],
  ];
  for (const colorScheme of ["light", "dark"] as const) {
    test(`on a phone, ${colorScheme}: nothing is wider than the screen, and axe finds nothing wrong`, async () => {
      const viewport = { width: 360, height: 740 };
      const dashboard = await WatchedPage.open(browser, await enter(), { viewport, colorScheme, hasTouch: true });
      for (const [hash, heading] of pages) {
        await dashboard.goTo(hash, heading);
        await dashboard.page.waitForLoadState("networkidle");
        const width = await dashboard.page.evaluate<number>("document.documentElement.scrollWidth");
        assert.ok(width <= viewport.width, `${hash} is ${width} wide`);
        assert.deepEqual(await dashboard.violations(), [], hash);
      }
      assert.deepEqual(dashboard.faults, []);
      await dashboard.close();
    });
  }
});
