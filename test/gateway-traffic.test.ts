import assert from "node:assert/strict";
import { once } from "node:events";
import { request } from "node:http";
import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { Backend, Seen } from "./gateway/backends.ts";
import { call } from "./gateway/grpc.ts";
import { startGatewayMesh } from "./gateway/mesh.ts";
import type { GatewayMesh } from "./gateway/mesh.ts";
import { get } from "./support/http.ts";
import type { Answer } from "./support/http.ts";

const names = ["infra-backend-v1", "infra-backend-v2", "infra-backend-v3"];
const [v1 = "", v2 = "", v3 = ""] = names;

const service = (name: string, more = ""): string =>
  `apiVersion: meshwright.dev/v1alpha1\nkind: Service\nmetadata: { name: ${name} }\nspec: { port: 80${more} }\n`;

const route = (name: string, rules: string, kind = "HTTPRoute"): string => `apiVersion: gateway.networking.k8s.io/v1
kind: ${kind}
metadata: { name: ${name}, annotations: { meshwright.dev/unresolved-backends: Answer } }
spec:
  parentRefs: [{ kind: Service, name: ${name} }]
  rules:
${rules}
`;

const backend = (name: string, weight: number, filters = ""): string =>
  `{ name: ${name}, port: 8080, weight: ${String(weight)}, filters: [${filters}] }`;
const full = (path: string): string =>
  `{ type: URLRewrite, urlRewrite: { path: { type: ReplaceFullPath, replaceFullPath: ${path} } } }`;
const setBackend = (name: string): string =>
  `{ type: RequestHeaderModifier, requestHeaderModifier: { set: [{ name: backend, value: ${name} }] } }`;
const mirror = (name: string, share = ""): string =>
  `{ type: RequestMirror, requestMirror: { backendRef: { name: ${name}, port: 8080 }${share} } }`;

const resources = (port: (backend: string) => number): string[] => [
  service("weighted"),
  route(
    "weighted",
    `    - { matches: [{ path: { value: /plain } }], backendRefs: [${backend(v1, 70)}, ${backend(v2, 30)}, ${backend(v3, 0)}] }
    - { matches: [{ path: { value: /half } }], backendRefs: [${backend(v1, 5)}, ${backend("nonexistent", 5)}] }
    - { matches: [{ path: { value: /headers } }], backendRefs: [${backend(v1, 10, setBackend(v1))}, ${backend(v2, 10, setBackend(v2))}] }
    - matches: [{ path: { value: /rewritten } }]
      backendRefs: [${backend(v1, 1, full("/to-v1"))}, ${backend(v2, 1, full("/to-v2"))}, ${backend(v3, 2)}]
    - matches: [{ path: { value: /nowhere } }]
      backendRefs: [${backend(v1, 0)}]`,
  ),
  service("grpc-weighted", ", protocol: HTTP2"),
  route(
    "grpc-weighted",
    `    - { backendRefs: [${backend("grpc-infra-backend-v1", 70)}, ${backend("grpc-infra-backend-v2", 30)}] }`,
    "GRPCRoute",
  ),
  service("mirrored"),
  route(
    "mirrored",
    `    - { matches: [{ path: { value: /two } }], filters: [${mirror(v2)}, ${mirror(v3)}], backendRefs: [${backend(v1, 1)}] }
    - { matches: [{ path: { value: /percent } }], filters: [${mirror(v2, ", percent: 20")}], backendRefs: [${backend(v1, 1)}] }
    - { matches: [{ path: { value: /fraction } }], filters: [${mirror(v2, ", fraction: { numerator: 25, denominator: 50 }")}], backendRefs: [${backend(v1, 1)}] }
    - { matches: [{ path: { value: /of-backend } }], backendRefs: [${backend(v1, 1, mirror(v3))}, ${backend(v2, 1)}] }`,
  ),
  service(
    "replicated",
    `, endpoints: [${names.map((name) => `{ address: 127.0.0.1, port: ${String(port(name))} }`).join(", ")}]`,
  ),
  service("sessions"),
  route(
    "sessions",
    `    - { matches: [{ path: { value: /cookie } }], sessionPersistence: { cookie: { name: sid, path: /cookie } }, backendRefs: [{ name: replicated, port: 80 }] }
    - matches: [{ path: { value: /permanent } }]
      sessionPersistence: { absoluteTimeout: 1h, cookie: { lifetimeType: Permanent } }
      backendRefs: [{ name: replicated, port: 80 }]
    - { matches: [{ path: { value: /header } }], sessionPersistence: { type: Header, header: { name: x-session } }, backendRefs: [{ name: replicated, port: 80 }] }`,
  ),
];

describe("traffic of routes in a real Envoy", () => {
  let mesh: GatewayMesh | undefined;
  before(async () => {
    mesh = await startGatewayMesh(resources);
  });
  after(() => mesh?.stop());

  const ask = (host: string, path: string, headers: Record<string, string> = {}): Promise<Answer> =>
    get(mesh?.port ?? 0, path, { headers: { ...headers, host } });
  const seenBy = ({ body }: Answer): Seen => JSON.parse(body) as Seen;
  const backendOf = (answer: Answer): string =>
    answer.status === 200 ? seenBy(answer).backend : String(answer.status);
  const named = (name: string): Backend => mesh?.backends.get(name) as Backend;

  /** How many of so many requests went where. */
  async function counts(send: () => Promise<string>, requests: number): Promise<ReadonlyMap<string, number>> {
    const found = new Map<string, number>();
    for (let sent = 0; sent < requests; sent += 20) {
      const batch = await Promise.all(Array.from({ length: 20 }, send));
      for (const name of batch) found.set(name, (found.get(name) ?? 0) + 1);
    }
    return found;
  }

  /** Within five standard deviations: by chance it fails once in two million times. */
  function assertShares(
    found: ReadonlyMap<string, number>,
    shares: Readonly<Record<string, number>>,
    requests: number,
  ): void {
    assert.deepEqual([...found.keys()].sort(), Object.keys(shares).sort());
    for (const [name, share] of Object.entries(shares)) {
      const difference = Math.abs((found.get(name) ?? 0) - requests * share);
      assert.ok(difference <= 5 * Math.sqrt(requests * share * (1 - share)), `${name}: ${String(found.get(name))}`);
    }
  }

  it("goes by weight (HTTPRouteWeight)", async () => {
    const found = await counts(async () => backendOf(await ask("weighted", "/plain")), 500);
    assertShares(found, { [v1]: 0.7, [v2]: 0.3 }, 500);
  });

  it("goes by weight in calls (GRPCRouteWeight)", async () => {
    const send = async (): Promise<string> =>
      (await call(mesh?.port ?? 0, "/a.B/C", { ":authority": "grpc-weighted" })).seen?.backend ?? "";
    assertShares(await counts(send, 300), { "grpc-infra-backend-v1": 0.7, "grpc-infra-backend-v2": 0.3 }, 300);
  });

  it("is answered with 500 for the share of a backend that does not exist, and of none at all", async () => {
    const found = await counts(async () => backendOf(await ask("weighted", "/half")), 400);
    assertShares(found, { [v1]: 0.5, "500": 0.5 }, 400);
    assert.equal((await ask("weighted", "/nowhere")).status, 500);
  });

  it("has the headers of its own backend (HTTPRouteRequestHeaderModifierBackendWeights)", async () => {
    const send = async (): Promise<string> => {
      const { backend: name, headers } = seenBy(await ask("weighted", "/headers"));
      assert.equal(headers["backend"], name);
      return name;
    };
    assertShares(await counts(send, 100), { [v1]: 0.5, [v2]: 0.5 }, 100);
  });

  it("has the path of its own backend, by weight", async () => {
    const send = async (): Promise<string> => {
      const { backend: name, path } = seenBy(await ask("weighted", "/rewritten"));
      assert.equal(path, name === v1 ? "/to-v1" : name === v2 ? "/to-v2" : "/rewritten");
      return name;
    };
    assertShares(await counts(send, 400), { [v1]: 0.25, [v2]: 0.25, [v3]: 0.5 }, 400);
  });

  /** How many requests for a path a backend has had, once there are some and no more come. */
  async function received(name: string, path: string): Promise<number> {
    const count = (): number => named(name).requests.filter((url) => url.startsWith(path)).length;
    const end = Date.now() + 5000;
    let last = -1;
    while (Date.now() < end && (last <= 0 || count() > last)) {
      last = count();
      await sleep(200);
    }
    return count();
  }

  it("is mirrored to two backends (HTTPRouteRequestMirror, HTTPRouteRequestMultipleMirrors)", async () => {
    assert.equal(backendOf(await ask("mirrored", "/two/x")), v1);
    assert.deepEqual([await received(v2, "/two/x"), await received(v3, "/two/x")], [1, 1]);
  });

  for (const [path, share] of [
    ["/percent", 0.2],
    ["/fraction", 0.5],
  ] as const) {
    it(`is mirrored for a share of ${String(share)} (HTTPRouteRequestPercentageMirror)`, async () => {
      const requests = 400;
      assertShares(await counts(async () => backendOf(await ask("mirrored", path)), requests), { [v1]: 1 }, requests);
      const mirrored = await received(v2, path);
      assert.ok(
        Math.abs(mirrored - requests * share) <= 5 * Math.sqrt(requests * share * (1 - share)),
        String(mirrored),
      );
    });
  }

  it("is mirrored where its own backend says so", async () => {
    const found = await counts(async () => backendOf(await ask("mirrored", "/of-backend")), 100);
    assertShares(found, { [v1]: 0.5, [v2]: 0.5 }, 100);
    assert.equal(await received(v3, "/of-backend"), found.get(v1));
  });

  it("can be a WebSocket (HTTPRouteBackendProtocolWebSocket)", async () => {
    const outgoing = request({
      host: "127.0.0.1",
      port: mesh?.port ?? 0,
      headers: {
        host: v1,
        upgrade: "websocket",
        connection: "upgrade",
        "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
        "sec-websocket-version": "13",
      },
    }).end();
    const [response, socket] = (await once(outgoing, "upgrade")) as [IncomingMessage, Socket];
    // The key and its answer are those of RFC 6455, section 1.3.
    assert.equal(response.headers["sec-websocket-accept"], "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    const frame = Buffer.from("818537fa213d7f9f4d5158", "hex");
    socket.write(frame);
    const [echoed] = (await once(socket, "data")) as [Buffer];
    assert.deepEqual(echoed, frame);
    socket.destroy();
  });

  describe("of a session", () => {
    const spread = async (path: string, headers: Record<string, string>): Promise<string[]> => {
      const found = await counts(async () => backendOf(await ask("sessions", path, headers)), 60);
      return [...found.keys()].sort();
    };

    it("stays with the endpoint that a cookie names", async () => {
      const first = await ask("sessions", "/cookie");
      const [cookie = ""] = first.headers["set-cookie"] ?? [];
      assert.match(cookie, /^sid="[^"]+"; Path=\/cookie; HttpOnly$/i);
      assert.deepEqual(await spread("/cookie", { cookie: cookie.split(";")[0] ?? "" }), [backendOf(first)]);
      assert.deepEqual(await spread("/cookie", {}), names);
    });

    it("stays for the time that a cookie lasts", async () => {
      const [cookie = ""] = (await ask("sessions", "/permanent")).headers["set-cookie"] ?? [];
      assert.match(cookie, /^meshwright-session-sessions="[^"]+"; Max-Age=3600; Path=\/; HttpOnly$/i);
    });

    it("stays with the endpoint that a header names", async () => {
      const first = await ask("sessions", "/header");
      const session = first.headers["x-session"]?.toString() ?? "";
      assert.deepEqual(await spread("/header", { "x-session": session }), [backendOf(first)]);
      assert.deepEqual(await spread("/header", {}), names);
    });
  });
});
