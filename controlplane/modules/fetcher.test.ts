import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { EventEmitter, once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, test } from "node:test";
import { probeModule } from "../../test/support/probe.ts";
import { createImage } from "../oci/index.ts";
import { SqliteStore } from "../store/index.ts";
import {
  FetchError,
  imageName,
  MemoryPins,
  ModuleFetcher,
  ModuleStore,
  StoredPins,
  type ModuleFetcherOptions,
  type Pins,
} from "./index.ts";

const bytes = await probeModule();
const sha256 = createHash("sha256").update(bytes).digest("hex");
const elsewhere = "0".repeat(64);

let folder = "";
let store: SqliteStore;
let pins: Pins;
let server: Server;
const fetchers: ModuleFetcher[] = [];
let asked: string[] = [];
let answer: RequestListener = () => undefined;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "meshwright-fetch-"));
  store = SqliteStore.open(join(folder, "state.db"));
  pins = new StoredPins(store);
  asked = [];
  server = createServer((request, response) => {
    asked.push(request.url ?? "");
    answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
});

afterEach(async () => {
  for (const fetcher of fetchers.splice(0)) fetcher.close();
  server.close();
  server.closeAllConnections();
  await store.close();
  rmSync(folder, { recursive: true });
});

const host = (): string => `127.0.0.1:${String((server.address() as AddressInfo).port)}`;
const url = (): string => `http://${host()}/probe.wasm`;

function fetcher(options: ModuleFetcherOptions = {}): ModuleFetcher {
  const made = new ModuleFetcher(new ModuleStore(folder), { retryMs: 5, pins, ...options });
  fetchers.push(made);
  return made;
}

const serving: RequestListener = (_, response) => void response.end(bytes);

describe("a module of a web server", () => {
  test("is fetched once, also over a restart with the server gone", async () => {
    answer = serving;
    const remote = { url: url(), sha256 };
    const one = fetcher();
    assert.deepEqual(Buffer.from(await one.fetch(remote)), Buffer.from(bytes));
    await one.fetch(remote);
    assert.deepEqual(asked, ["/probe.wasm"]);
    server.close();
    server.closeAllConnections();
    assert.deepEqual(Buffer.from(await fetcher().fetch(remote)), Buffer.from(bytes));
  });

  test("is asked for once by those who ask at once", async () => {
    answer = serving;
    const one = fetcher();
    await Promise.all([1, 2, 3].map(() => one.fetch({ url: url(), sha256 })));
    assert.deepEqual(asked, ["/probe.wasm"]);
  });

  const faults: [what: string, answer: RequestListener, why: RegExp][] = [
    ["another module", (_, response) => void response.end("x"), /the module's SHA-256 is [0-9a-f]{64}, expected 0000/],
    ["not there", (_, response) => void response.writeHead(404).end(), /status is 404, expected 200/],
    ["too long", (_, response) => void response.end(Buffer.alloc(2_000_000)), /longer than 1000000 bytes/],
    [
      "cut off",
      (_, response) => void response.writeHead(200, { "content-length": 9 }).write("x", () => response.destroy()),
      /probe\.wasm: /,
    ],
  ];
  for (const [what, answers, why] of faults) {
    test(`${what}: an error that says so, and nothing is kept`, async () => {
      answer = answers;
      await assert.rejects(fetcher({ limit: 1_000_000 }).fetch({ url: url(), sha256: elsewhere }), {
        name: FetchError.name,
        message: why,
      });
      assert.equal(new ModuleStore(folder).get(elsewhere), undefined);
    });
  }

  test("plain HTTP is for this machine alone", async () => {
    await assert.rejects(fetcher().fetch({ url: "http://r.example.com/a.wasm", sha256 }), /expected HTTPS/);
  });

  test("what failed is tried again by itself, and its coming is told; meanwhile nobody waits for it", async () => {
    answer = (_, response) => void response.writeHead(503).end();
    const came = new EventEmitter();
    const one = fetcher({ onFetched: () => came.emit("fetched"), retryMs: 30 });
    await assert.rejects(one.fetch({ url: url(), sha256 }), /503/);
    const before = asked.length;
    await assert.rejects(one.fetch({ url: url(), sha256 }), /503/);
    assert.equal(asked.length, before);
    answer = serving;
    await once(came, "fetched");
    assert.deepEqual(Buffer.from(await one.fetch({ url: url(), sha256 })), Buffer.from(bytes));
  });

  test("one that is slow comes later, and its coming is told", async () => {
    let finish = (): void => undefined;
    answer = (_, response) => (finish = () => void response.end(bytes));
    const came = new EventEmitter();
    const one = fetcher({ patienceMs: 50, onFetched: () => came.emit("fetched") });
    await assert.rejects(one.fetch({ url: url(), sha256 }), /is still being fetched/);
    const fetched = once(came, "fetched");
    finish();
    await fetched;
    await one.fetch({ url: url(), sha256 });
    assert.equal(asked.length, 1);
  });

  test("nobody wants it any more: it is not tried again", async () => {
    answer = (_, response) => void response.writeHead(503).end();
    const one = fetcher({ retryMs: 20 });
    await assert.rejects(one.fetch({ url: url(), sha256 }));
    one.retain([]);
    await new Promise((resolve) => setTimeout(resolve, 100));
    assert.equal(asked.length, 1);
  });
});

test("what a URL holds to be let in is in no message", async () => {
  answer = (_, response) => void response.writeHead(403).end();
  const remote = { url: `${url()}?signature=s3cret`, sha256 };
  await assert.rejects(fetcher().fetch(remote), (error) => {
    assert.ok(error instanceof FetchError);
    assert.match(error.message, /probe\.wasm: the answer's status is 403/);
    assert.doesNotMatch(error.message, /s3cret/);
    return true;
  });
  assert.equal(asked[0], "/probe.wasm?signature=s3cret");
});

describe("a module of an image", () => {
  const image = createImage(bytes, { variant: "compat", abiVersion: "0.2.1", rootIds: [] });
  const registry: RequestListener = (request, response) => {
    const name = request.url?.split("/").at(-1);
    const found =
      name === "1.0" || name === image.manifest.digest
        ? image.manifest
        : image.blobs.find(({ digest }) => digest === name);
    if (found === undefined) response.writeHead(404).end();
    else response.writeHead(200, { "content-type": found.mediaType }).end(found.bytes);
  };

  test("its tag means what it meant at first, also over a restart", async () => {
    answer = registry;
    const remote = { image: `${host()}/filters/probe:1.0` };
    const first = fetcher();
    assert.deepEqual(Buffer.from(await first.fetch(remote)), Buffer.from(bytes));
    await first.pin(remote.image, sha256);
    answer = (_, response) => void response.writeHead(500).end();
    assert.deepEqual(Buffer.from(await fetcher().fetch(remote)), Buffer.from(bytes));
  });

  test("that is private is there for those who name a Secret that lets them in, and for no others, also when it is known", async () => {
    answer = (request, response) => {
      if (request.headers.authorization === "Basic dTpw") registry(request, response);
      else response.writeHead(401, { "www-authenticate": 'Basic realm="test"' }).end();
    };
    const image = `${host()}/filters/probe:1.0`;
    const known = new Map([["regcred.mine", "dTpw"]]);
    const one = fetcher({ credentials: (_, [secret = ""]) => Promise.resolve(known.get(secret)) });
    const mine = imageName(image, [{ name: "regcred.mine" }]);
    assert.deepEqual(Buffer.from(await one.fetch({ image: mine })), Buffer.from(bytes));
    await one.pin(mine, sha256);
    await assert.rejects(one.fetch({ image }), FetchError);
    await assert.rejects(one.fetch({ image: imageName(image, [{ name: "regcred.yours" }]) }), FetchError);
    await assert.rejects(fetcher().fetch({ image: imageName(image, [{ name: "x.y" }]) }), /no cluster/);
    assert.deepEqual(Buffer.from(await fetcher().fetch({ image: mine })), Buffer.from(bytes));
  });

  test("until it is pinned, it is what was found, and can be forgotten", async () => {
    answer = registry;
    const remote = { image: `${host()}/filters/probe:1.0` };
    const one = fetcher();
    await one.fetch(remote);
    const count = asked.length;
    await one.fetch(remote);
    assert.equal(asked.length, count);
    one.forget(remote.image);
    await one.fetch(remote);
    assert.ok(asked.length > count);
    await pins.keep(remote.image, elsewhere);
    await assert.rejects(one.pin(remote.image, sha256), new RegExp(`it held at first, ${elsewhere}, is gone`));
  });

  test("that a tag has moved is an error where the module that it meant is lost", async () => {
    answer = registry;
    const remote = { image: `${host()}/filters/probe:1.0` };
    await pins.keep(remote.image, elsewhere);
    await assert.rejects(fetcher().fetch(remote), new RegExp(`it held at first, ${elsewhere}, is gone`));
  });

  test("and is asked for again where what it meant is lost", async () => {
    answer = registry;
    const remote = { image: `${host()}/filters/probe:1.0` };
    await fetcher().fetch(remote);
    assert.deepEqual(Buffer.from(await fetcher({ pins: new MemoryPins() }).fetch(remote)), Buffer.from(bytes));
    writeFileSync(join(folder, `${sha256}.wasm`), "damaged");
    assert.deepEqual(Buffer.from(await fetcher().fetch(remote)), Buffer.from(bytes));
  });

  test("another module than was expected is refused, before and after it is known", async () => {
    answer = registry;
    const remote = { image: `${host()}/filters/probe:1.0` };
    await assert.rejects(fetcher().fetch({ ...remote, sha256: elsewhere }), new RegExp(`is ${sha256}, expected 0000`));
    await fetcher().fetch({ ...remote, sha256 });
    await assert.rejects(fetcher().fetch({ ...remote, sha256: elsewhere }), new RegExp(`is ${sha256}, expected 0000`));
  });

  test("what Envoy would refuse is not kept", async () => {
    const text = createImage(Buffer.from("text"), { variant: "oci", abiVersion: "0.2.1", rootIds: [] });
    answer = (request, response) => {
      const name = request.url?.split("/").at(-1);
      response.end((name === "1.0" ? text.manifest : text.blobs.find(({ digest }) => digest === name))?.bytes);
    };
    await assert.rejects(
      fetcher().fetch({ image: `${host()}/filters/probe:1.0` }),
      /Envoy would refuse .*probe:1\.0: not a readable/,
    );
    answer = registry;
    await fetcher().fetch({ image: `${host()}/filters/probe:1.0` });
  });
});
