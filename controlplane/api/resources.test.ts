// The API of applied resources, over HTTP, to callers of each role.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, beforeEach, describe, test } from "node:test";
import { Fleet, NodeStats } from "../fleet/index.ts";
import { Journal, Resources } from "../journal/index.ts";
import { ModuleStore } from "../modules/index.ts";
import { roles, SecureAccess, TokenStore, type Role } from "../security/index.ts";
import { loadFromSource } from "../source/index.ts";
import { SqliteStore, StoreUnavailableError, type Store } from "../store/index.ts";
import {
  handleRequest,
  type ChangeReport,
  type History,
  type PlanSource,
  type Refusal,
  type ResourceList,
} from "./index.ts";

const folder = mkdtempSync(join(tmpdir(), "meshwright-resources-"));
const tokens = new TokenStore(folder);
const issued = Object.fromEntries(
  roles.map((role) => [role, tokens.create({ name: role, role })]),
) as unknown as Readonly<Record<Role, ReturnType<TokenStore["create"]>>>;
const nameOf = (role: Role): string => `token ${role} (${issued[role].record.id})`;

let server: Server;
let store: Store;
let resources: Resources;
const stores: Store[] = [];
before(async () => {
  const modules = new ModuleStore(folder);
  const access = new SecureAccess("cluster.local", tokens, { refusal: () => undefined });
  const shown = { release: undefined, appliedAt: undefined, refused: [], fleet: new Fleet(), stats: new NodeStats() };
  const metrics = { contentType: "text/plain", text: () => Promise.resolve("") };
  const plans: PlanSource = {
    fleet: shown.fleet,
    preview: () => Promise.resolve({ ok: false, problems: [] }),
  };
  server = createServer((request, response) =>
    handleRequest(
      {
        ...shown,
        snapshotFor: () => undefined,
        metrics,
        store,
        modules,
        leases: { top: () => [] },
        access,
        resources,
        plans,
      },
      request,
      response,
    ),
  );
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
});
beforeEach(async () => {
  store = SqliteStore.open(join(mkdtempSync(join(folder, "state-")), "state.db"));
  stores.push(store);
  resources = new Resources(await Journal.open(store), async (source) => {
    const loaded = await loadFromSource(source);
    return loaded.ok ? [] : loaded.problems;
  });
});
after(async () => {
  server.close();
  server.closeAllConnections();
  for (const each of stores) await each.close();
  rmSync(folder, { recursive: true });
});

const service = (name: string, port = 80): string =>
  `apiVersion: meshwright.dev/v1alpha1\nkind: Service\nmetadata: { name: ${name} }\nspec: { port: ${String(port)} }\n`;

interface Ask {
  readonly role?: Role | undefined;
  readonly method?: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

interface Answer<T> {
  readonly status: number;
  readonly body: T;
}

async function ask<T>(path: string, { role, method, body, headers = {} }: Ask): Promise<Answer<T>> {
  const { port } = server.address() as AddressInfo;
  const response = await fetch(`http://127.0.0.1:${String(port)}/api/v1/${path}`, {
    method: method ?? (body === undefined ? "GET" : "POST"),
    headers: {
      "content-type": "application/json",
      ...(role === undefined ? {} : { authorization: `Bearer ${issued[role].text}` }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  const isJson = response.headers.get("content-type") === "application/json";
  return { status: response.status, body: (isJson ? JSON.parse(text) : text) as T };
}

const apply = (
  texts: readonly string[],
  { role = "operator", query = "", ...more }: Ask & { readonly query?: string } = {},
): Promise<{ status: number; body: ChangeReport & Refusal }> => {
  const files = texts.map((text, i) => ({ path: `f${String(i)}.yaml`, text }));
  return ask(`apply${query}`, { role, body: { files, message: "because" }, ...more });
};
const names = async (): Promise<string[]> =>
  (await ask<ResourceList>("resources", { role: "viewer" })).body.resources.map(({ name }) => name);

describe("each route, to each role", () => {
  const file = { files: [{ path: "f.yaml", text: service("new") }] };
  const routes: [path: string, ask: Ask, least: Role][] = [
    ["resources", {}, "viewer"],
    ["resources/Service/web", {}, "viewer"],
    ["history", {}, "viewer"],
    ["apply", { body: file }, "operator"],
    ["apply?dryRun=true", { body: file }, "operator"],
    ["diff", { body: file }, "operator"],
    ["delete", { body: { resources: ["Service/web"] } }, "operator"],
    ["resources/Service/web", { method: "DELETE" }, "operator"],
    ["rollback", { body: { revision: 0 } }, "operator"],
    ["plan", { body: file }, "operator"],
    ["backup", {}, "admin"],
  ];
  for (const [path, question, least] of routes) {
    const what = `${question.method ?? (question.body === undefined ? "GET" : "POST")} ${path}`;
    for (const role of [undefined, ...roles]) {
      const isAllowed = role !== undefined && roles.indexOf(role) >= roles.indexOf(least);
      const expected = isAllowed ? 200 : role === undefined ? 401 : 403;
      test(`${what}: ${String(expected)} to ${role ?? "nobody"}`, async () => {
        await apply([service("web")]);
        const { status, body } = await ask<Refusal>(path, { ...question, role });
        assert.equal(status, expected);
        if (status === 403)
          assert.match(
            body.error,
            /needs the role (operator|admin), and token (viewer|operator) \(.*\) has the role \2$/,
          );
        if (!isAllowed) {
          assert.equal(await store.version("resources"), 1);
          assert.deepEqual(await names(), ["web"]);
        }
      });
    }
  }

  test("a token that is revoked may do nothing from then on", async () => {
    const { text, record } = tokens.create({ name: "short", role: "admin" });
    const headers = { authorization: `Bearer ${text}` };
    assert.equal((await ask("resources", { headers })).status, 200);
    tokens.revoke(record.id);
    assert.equal((await ask("resources", { headers })).status, 401);
  });
});

describe("a change", () => {
  test("is kept with who made it, whatever the request says", async () => {
    const { body } = await apply([service("web")], { headers: { "x-meshwright-author": "somebody else" } });
    assert.deepEqual([body.revision, body.dryRun, body.changes.map(({ change }) => change)], [1, false, ["created"]]);
    const { revisions } = (await ask<History>("history", { role: "viewer" })).body;
    assert.deepEqual(
      revisions.map(({ revision, author, message }) => [revision, author, message]),
      [[1, nameOf("operator"), "because"]],
    );
    assert.match(revisions[0]?.changes[0]?.diff ?? "", /^\+spec: \{ port: 80 \}$/m);
  });

  test("with faults is refused with all of them, each where it stands, and nothing is kept", async () => {
    const bad = service("b").replace("port:", "prt:");
    const { status, body } = await apply([`${service("a")}---\n${bad}`, "kind: Servic\nmetadata: [\n"]);
    assert.equal(status, 422);
    assert.deepEqual(
      body.problems?.map(({ file, line, column, path }) => `${file}:${String(line)}:${String(column)} ${path}`),
      ["f0.yaml:9:1 spec.port", "f0.yaml:9:9 spec.prt", "f1.yaml:3:1 "],
    );
    assert.deepEqual(await names(), []);
    assert.equal(await store.version("resources"), 0);
  });

  test("based on an old revision is refused, and says who was faster", async () => {
    await apply([service("a"), service("b")]);
    await apply([service("a", 81)], { role: "admin" });
    for (const stale of [{ query: "?base=1" }, { headers: { "if-match": '"1"' } }]) {
      const { status, body } = await apply([service("a", 82)], stale);
      assert.equal(status, 409);
      assert.equal(body.error, `Service/a was changed by ${nameOf("admin")} in revision 2`);
      assert.deepEqual(
        body.conflicts?.map(({ resource, revision, author }) => [resource, revision, author]),
        [["Service/a", 2, nameOf("admin")]],
      );
    }
    assert.equal((await apply([service("b", 82)], { query: "?base=1" })).body.revision, 3);
    assert.equal((await apply([service("a", 82)], { query: "?base=3" })).body.revision, 4);
  });

  test("as YAML, as it is", async () => {
    const headers = { "content-type": "application/yaml" };
    const body = `${service("a")}---\n${service("b")}`;
    const answer = await ask<ChangeReport>("apply?message=hello", { role: "operator", body, headers });
    assert.deepEqual(
      answer.body.changes.map(({ name }) => name),
      ["a", "b"],
    );
    const shown = await ask<string>("resources", { role: "viewer", headers: { accept: "application/yaml" } });
    assert.equal(shown.body, body);
  });

  test("that the store cannot keep is refused with 503", async () => {
    store.append = () => Promise.reject(new StoreUnavailableError("the state cannot be kept: the disk is full"));
    const { status, body } = await apply([service("a")]);
    assert.deepEqual([status, body.error], [503, "the state cannot be kept: the disk is full"]);
    assert.deepEqual(await names(), []);
  });

  const wrong: [what: string, path: string, ask: Ask, status: number, error: RegExp][] = [
    ["text that is no JSON", "apply", { body: "{" }, 400, /^the body is not JSON: /],
    ["no files", "apply", { body: {} }, 400, /^files: expected an array$/],
    [
      "a file without a path",
      "apply",
      { body: { files: [{ text: "" }] } },
      400,
      /^files\[0\]\.path: expected a string$/,
    ],
    ["a dry run of another kind", "apply?dryRun=yes", { body: { files: [] } }, 400, /^dryRun: expected true or false$/],
    ["a base that is no number", "apply?base=x", { body: { files: [] } }, 400, /^base: expected a whole number/],
    [
      "another media type",
      "apply",
      { body: "x", headers: { "content-type": "text/plain" } },
      415,
      /^expected content-type/,
    ],
    [
      "a body that is too large",
      "apply",
      { body: "x".repeat(33 << 20) },
      413,
      /^expected a body of at most 33554432 bytes/,
    ],
    [
      "a resource that is not there",
      "delete",
      { body: { resources: ["Service/x"] } },
      404,
      /^there is no applied resource Service\/x$/,
    ],
    ["a revision that was not", "rollback", { body: { revision: 7 } }, 404, /^there is no revision 7$/],
    ["another method", "apply", { method: "DELETE" }, 405, /^expected POST, found DELETE$/],
  ];
  for (const [what, path, question, status, error] of wrong) {
    test(`${what}: ${String(status)}`, async () => {
      const answer = await ask<Refusal>(path, { role: "operator", ...question });
      assert.equal(answer.status, status);
      assert.match(answer.body.error, error);
      assert.equal(await store.version("resources"), 0);
    });
  }
});

test("configurations of filters are shown to those who may change them alone", async () => {
  // The faults of the other parts are not looked at here.
  resources = new Resources(resources.journal, () => Promise.resolve([]));
  const policy = (secret: string): string =>
    `apiVersion: meshwright.dev/v1alpha1\nkind: FilterPolicy\nmetadata: { name: p }\nspec:\n  module: m\n  configuration: { secrets: [${secret}] }\n`;
  await apply([policy("first-s3cret"), service("a")]);
  await apply([policy("second-s3cret")]);
  await ask("resources/FilterPolicy/p", { role: "operator", method: "DELETE" });
  const paths = ["resources?revision=2", "resources/FilterPolicy/p?revision=2", "history"];
  for (const path of paths) {
    for (const accept of ["application/json", "application/yaml"]) {
      const shown = JSON.stringify((await ask(path, { role: "viewer", headers: { accept } })).body);
      assert.doesNotMatch(shown, /s3cret/);
      assert.match(shown, /\(hidden\)/);
      const all = JSON.stringify((await ask(path, { role: "operator", headers: { accept } })).body);
      assert.match(all, /second-s3cret/);
    }
  }
  const refused = await ask<Refusal>("diff", { role: "viewer", body: { files: [{ path: "f", text: policy("x") }] } });
  assert.deepEqual([refused.status, JSON.stringify(refused.body).includes("s3cret")], [403, false]);
});

describe("history and rollback", () => {
  test("the latest comes first, of all or of one, and any revision can be looked at", async () => {
    await apply([service("a"), service("b")]);
    await apply([service("a", 81)]);
    await ask("resources/Service/b", { role: "admin", method: "DELETE" });
    const numbers = async (query: string): Promise<number[]> =>
      (await ask<History>(`history${query}`, { role: "viewer" })).body.revisions.map(({ revision }) => revision);
    assert.deepEqual(await numbers(""), [3, 2, 1]);
    assert.deepEqual(await numbers("?limit=2"), [3, 2]);
    assert.deepEqual(await numbers("?resource=Service/b"), [3, 1]);
    assert.deepEqual(await numbers("?resource=Service/b&limit=1"), [3]);
    const earlier = (await ask<ResourceList>("resources?revision=1", { role: "viewer" })).body;
    assert.deepEqual(
      earlier.resources.map(({ name, resourceVersion }) => [name, resourceVersion]),
      [
        ["a", 1],
        ["b", 1],
      ],
    );
  });

  test("one change, and then several, are undone by new revisions", async () => {
    for (const port of [80, 81, 82, 83]) await apply([service("a", port)]);
    await apply([service("b")]);
    const rollback = async (revision: number): Promise<ChangeReport> =>
      (await ask<ChangeReport>("rollback", { role: "operator", body: { revision } })).body;
    const one = await rollback(4);
    assert.deepEqual([one.revision, one.changes.map(({ change, name }) => `${change} ${name}`)], [6, ["deleted b"]]);
    const several = await rollback(1);
    assert.deepEqual([several.revision, several.changes.map(({ change }) => change)], [7, ["updated"]]);
    const { body } = await ask<ResourceList>("resources", { role: "viewer" });
    assert.deepEqual(
      body.resources.map(({ text }) => text),
      [service("a")],
    );
    const { revisions } = (await ask<History>("history?limit=1", { role: "viewer" })).body;
    assert.deepEqual(
      revisions.map(({ author, message }) => [author, message]),
      [[nameOf("operator"), "rollback to revision 1"]],
    );
  });
});
