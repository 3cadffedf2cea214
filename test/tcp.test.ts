// A network filter in a real Envoy, in front of a TCP proxy.
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { connect, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { compile } from "../setup/filters.mjs";
import { Callee } from "./support/callouts/callee.ts";
import { address, cluster, listener, plugin, typed } from "./support/callouts/configuration.ts";
import { Envoy } from "./support/envoy.ts";
import { freePorts, listen, portOf } from "./support/ports.ts";

describe("a TCP filter in Envoy", () => {
  const folder = mkdtempSync(join(tmpdir(), "meshwright-tcp-"));
  let envoy: Envoy;
  let callee: Callee;
  let echo: Server;
  let port: number;

  before(async () => {
    const module = join(folder, "tcp.wasm");
    await compile("test/fixtures/tcp.ts", module);
    callee = await Callee.start();
    // Sends back what it gets, and ends when the client does.
    echo = createServer({ allowHalfOpen: true }, (socket) => {
      socket.on("error", () => undefined);
      socket.on("data", (data) => (data.toString() === "end\n" ? socket.end("bye\n") : socket.write(data)));
      socket.on("end", () => socket.end());
    });
    await listen(echo);
    const [admin = 0, listening = 0] = await freePorts(2);
    port = listening;
    const filters = [
      {
        name: "wasm",
        typed_config: typed("filters.network.wasm.v3.Wasm", { config: plugin(module, "tcp", "tcp") }),
      },
      {
        name: "tcp",
        typed_config: typed("filters.network.tcp_proxy.v3.TcpProxy", { stat_prefix: "tcp", cluster: "echo" }),
      },
    ];
    const configuration = {
      admin: { address: address(admin) },
      static_resources: {
        listeners: [listener("tcp", port, filters)],
        clusters: [cluster("echo", portOf(echo)), cluster("http", callee.port)],
      },
    };
    envoy = await Envoy.start("tcp", JSON.stringify(configuration), admin, { concurrency: 1, logLevel: "info" });
    await envoy.until(async () => (await envoy.admin("/ready")).startsWith("LIVE"));
  });

  after(async () => {
    await envoy.stop();
    await callee.stop();
    echo.close();
    rmSync(folder, { recursive: true });
  });

  /** A connection of a client. */
  async function dial(): Promise<Client> {
    const from = envoy.process.output.length;
    const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
    await once(socket, "connect");
    return new Client(socket, from);
  }

  class Client {
    readonly socket: Socket;
    readonly #from: number;
    #received = "";

    constructor(socket: Socket, from: number) {
      this.socket = socket;
      this.#from = from;
      socket.on("error", () => undefined);
      socket.on("data", (data) => (this.#received += data.toString()));
    }

    get received(): string {
      return this.#received;
    }

    async until(text: string): Promise<void> {
      while (!this.#received.endsWith(text)) {
        await once(this.socket, "data", { signal: AbortSignal.timeout(10_000) });
      }
    }

    async closed(): Promise<void> {
      this.socket.resume();
      if (!this.socket.readableEnded && !this.socket.destroyed) await once(this.socket, "end");
      this.socket.destroy();
    }

    /** What the filter logged of this connection, until it was deleted. */
    async log(): Promise<string[]> {
      await envoy.process.waitFor(/tcp: onDelete/, { from: this.#from });
      const lines = envoy.process.output.slice(this.#from).matchAll(/ wasm log [^:]*: tcp: (.*)/g);
      return [...lines].map(([, line = ""]) => line);
    }
  }

  const begin = "onNewConnection from loopback";
  const end = ["onDone", "onLog true", "onDelete"];

  test("data passes in both directions, and the ends come in order", async () => {
    const client = await dial();
    client.socket.write("hello\n");
    await client.until("hello\n");
    client.socket.end();
    await client.closed();
    assert.deepEqual(await client.log(), [
      begin,
      "onDownstreamData 6 false hello\\x0a",
      "onUpstreamData 6 false hello\\x0a",
      "onDownstreamData 0 true ",
      "onUpstreamData 0 true ",
      "onUpstreamClose 0",
      "onDownstreamClose 1",
      ...end,
    ]);
  });

  test("data is changed in both directions", async () => {
    const client = await dial();
    client.socket.write("change\n");
    await client.until("answer changed\n");
    client.socket.destroy();
    assert.deepEqual((await client.log()).slice(0, 4), [
      begin,
      "onDownstreamData 7 false change\\x0a",
      "replace Ok",
      "onUpstreamData 10 false <changed>\\x0a",
    ]);
  });

  test("data that is held comes again with what follows it", async () => {
    const client = await dial();
    client.socket.write("held ");
    await envoy.process.waitFor(/onDownstreamData 5 false held/);
    client.socket.write("and more\n");
    await client.until("held and more\n");
    client.socket.destroy();
    assert.ok((await client.log()).includes("onDownstreamData 14 false held and more\\x0a"));
  });

  test("data of the upstream that is held comes again with what follows it, and only so", async () => {
    const client = await dial();
    client.socket.write("back ");
    await envoy.process.waitFor(/onUpstreamData 5 false back/);
    client.socket.write("and forth\n");
    await client.until("back and forth\n");
    client.socket.destroy();
    const log = await client.log();
    assert.ok(log.includes("continueUpstream Unimplemented"));
    assert.ok(log.includes("onUpstreamData 15 false back and forth\\x0a"));
  });

  for (const [what, line] of [
    ["timer", "continueDownstream Ok"],
    ["call", "answer 200 Ok"],
  ] as const) {
    test(`data that is held goes on from a ${what}`, async () => {
      const client = await dial();
      client.socket.write(`${what}\n`);
      await client.until(`${what}\n`);
      client.socket.destroy();
      assert.ok((await client.log()).includes(line));
    });
  }

  for (const side of ["downstream", "upstream"]) {
    test(`the filter closes the ${side}`, async () => {
      const client = await dial();
      client.socket.write(`close ${side}\n`);
      await client.closed();
      const log = await client.log();
      assert.equal(log[2], "Ok");
      assert.deepEqual(log.slice(-4), ["onDownstreamClose 1", ...end]);
    });
  }

  test("the upstream closes", async () => {
    const client = await dial();
    client.socket.write("end\n");
    await client.until("bye\n");
    await client.closed();
    const log = await client.log();
    assert.ok(log.includes("onUpstreamClose 0"), log.join("\n"));
    assert.deepEqual(log.slice(-3), end);
  });

  test("many connections side by side", async () => {
    const clients = await Promise.all(Array.from({ length: 40 }, () => dial()));
    await Promise.all(
      clients.map(async (client, i) => {
        client.socket.write(i % 2 ? "timer\n" : "call\n");
        await client.until(i % 2 ? "timer\n" : "call\n");
        client.socket.end();
        await client.closed();
      }),
    );
    assert.doesNotMatch(envoy.process.output, /in context|Wasm VM failed|RuntimeError/);
  });
});
