import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer, request, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { ModuleStore, serveModule } from "./index.ts";

const bytes = Buffer.from("0061736d01000000", "hex");
const sha256 = createHash("sha256").update(bytes).digest("hex");

describe("module store", () => {
  const folder = mkdtempSync(join(tmpdir(), "meshwright-modules-"));
  after(() => rmSync(folder, { recursive: true }));

  test("keeps a module under its hash, once, and a new process finds it", () => {
    const store = new ModuleStore(folder);
    assert.deepEqual(store.put(bytes), { sha256, size: 8 });
    assert.deepEqual(store.put(Buffer.from(bytes)), { sha256, size: 8 });
    assert.deepEqual(readdirSync(folder), [`${sha256}.wasm`]);
    assert.deepEqual(new ModuleStore(folder).get(sha256), bytes);
  });

  test("does not hand out a damaged file or one that it does not have", () => {
    const other = createHash("sha256").update("x").digest("hex");
    writeFileSync(join(folder, `${other}.wasm`), "y");
    const store = new ModuleStore(folder);
    assert.equal(store.get(other), undefined);
    assert.equal(store.get("0".repeat(64)), undefined);
    assert.equal(store.get("../../etc/passwd"), undefined);
  });
});

describe("module handler", () => {
  const folder = mkdtempSync(join(tmpdir(), "meshwright-modules-"));
  let server: Server;
  before(async () => {
    const store = new ModuleStore(folder);
    store.put(bytes);
    server = createServer((incoming, response) => {
      if (!serveModule(store, incoming, response)) response.writeHead(418).end();
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  });
  after(() => {
    server.close();
    rmSync(folder, { recursive: true });
  });

  const ask = (path: string, method = "GET", headers = {}): Promise<IncomingMessage & { body: Buffer }> =>
    new Promise((resolve, reject) => {
      const { port } = server.address() as AddressInfo;
      request({ host: "127.0.0.1", port, path, method, headers, agent: false }, (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("end", () => resolve(Object.assign(response, { body: Buffer.concat(chunks) })));
      })
        .on("error", reject)
        .end();
    });

  const cases: [what: string, path: string, method: string, headers: Record<string, string>, status: number][] = [
    ["a module", `/modules/${sha256}.wasm`, "GET", {}, 200],
    ["a module with an attempt", `/modules/${sha256}.wasm?attempt=3`, "GET", {}, 200],
    ["its head", `/modules/${sha256}.wasm`, "HEAD", {}, 200],
    ["one that the client has", `/modules/${sha256}.wasm`, "GET", { "if-none-match": `"${sha256}"` }, 304],
    ["an unknown module", `/modules/${"0".repeat(64)}.wasm`, "GET", {}, 404],
    ["a path out of the folder", `/modules/..%2f..%2fetc%2fpasswd`, "GET", {}, 404],
    ["a write", `/modules/${sha256}.wasm`, "PUT", {}, 405],
    ["something else", `/other`, "GET", {}, 418],
  ];
  for (const [what, path, method, headers, status] of cases) {
    test(`${what}: ${String(status)}`, async () => {
      const response = await ask(path, method, headers);
      assert.equal(response.statusCode, status);
      if (status === 200 && method === "GET") assert.deepEqual(response.body, bytes);
    });
  }
});
