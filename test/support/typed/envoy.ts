import assert from "node:assert/strict";
import { Agent } from "node:http";
import { request as secureRequest } from "node:https";
import { Envoy } from "../envoy.ts";
import { get, startApp } from "../http.ts";
import { freePorts } from "../ports.ts";
import { certificate } from "./certificates.ts";
import { configurationOf, type Ports } from "./envoy-config.ts";

const server = certificate("a.example", { dns: "a.example" });
const client = certificate("client", { dns: "client.example", uri: "spiffe://example/client" });

/** An Envoy of two workers in front of an app, with all that the attributes tell of: metadata, mutual TLS, tags, access logs. */
export class TypedEnvoy {
  readonly clientDigest = client.digest;
  readonly serverDigest = server.digest;
  readonly #envoy: Envoy;
  readonly #app: Awaited<ReturnType<typeof startApp>>;
  readonly #ports: Ports;

  private constructor(envoy: Envoy, app: Awaited<ReturnType<typeof startApp>>, ports: Ports) {
    this.#envoy = envoy;
    this.#app = app;
    this.#ports = ports;
  }

  static async start(module: string): Promise<TypedEnvoy> {
    const app = await startApp("app");
    const [admin = 0, plain = 0, secure = 0, upstream = 0] = await freePorts(4);
    const ports = { admin, plain, secure, upstream, app: app.port };
    try {
      const configuration = configurationOf(module, ports, server, client);
      const envoy = await Envoy.start("typed", configuration, admin, { concurrency: 2, logLevel: "info" });
      await envoy.until(async () => (await envoy.admin("/ready")).startsWith("LIVE"));
      return new TypedEnvoy(envoy, app, ports);
    } catch (error) {
      await app.stop();
      throw error;
    }
  }

  /** What a scenario reports of one request, through the listener with mutual TLS if asked. */
  async log(scenario: string, { tls = false } = {}): Promise<string[]> {
    const from = this.#envoy.process.output.length;
    if (tls) await this.#getSecurely(scenario);
    else await this.#get(scenario);
    return this.#reported(scenario, from);
  }

  /** What a scenario reports of each of several requests on one connection. */
  async logsOfOneConnection(scenario: string, requests: number): Promise<string[][]> {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const logs: string[][] = [];
    for (let i = 0; i < requests; ++i) {
      const from = this.#envoy.process.output.length;
      await this.#get(scenario, agent);
      logs.push(await this.#reported(scenario, from));
    }
    agent.destroy();
    return logs;
  }

  /** Stops Envoy, which then writes out its access log. Gives the lines that match. */
  async accessLog(pattern: RegExp): Promise<string[]> {
    await this.stop();
    return this.#envoy.process.output.split("\n").filter((line) => pattern.test(line));
  }

  /** The samples of metrics whose name has a prefix, as Prometheus gets them. */
  async prometheus(prefix: string): Promise<string[]> {
    const text = await this.#envoy.admin("/stats/prometheus");
    return text
      .split("\n")
      .filter((line) => line.startsWith(prefix))
      .sort();
  }

  /** What the shared counter comes to after so many requests at once, each of which adds 100; and that both workers had some. */
  async countTogether(requests: number): Promise<number> {
    const answers = await Promise.all(Array.from({ length: requests }, () => this.#get("counters")));
    for (const worker of [0, 1]) {
      const connections = await this.#envoy.stats(
        `^listener\\..*${String(this.#ports.plain)}\\.worker_${String(worker)}\\.downstream_cx_total$`,
      );
      assert.ok(
        [...connections.values()].some((count) => count > 0),
        `worker ${String(worker)} had no connection`,
      );
    }
    return Math.max(...answers.map(Number));
  }

  async stop(): Promise<void> {
    await this.#envoy.stop();
    await this.#app.stop();
  }

  async #get(scenario: string, agent?: Agent): Promise<string> {
    const headers = { "x-scenario": scenario };
    const answer = await get(this.#ports.plain, `/${scenario}`, agent === undefined ? { headers } : { headers, agent });
    assert.equal(answer.status, 200, answer.body);
    return answer.body;
  }

  #getSecurely(scenario: string): Promise<void> {
    const options = {
      host: "127.0.0.1",
      port: this.#ports.secure,
      path: `/${scenario}`,
      headers: { "x-scenario": scenario },
      servername: "a.example",
      ca: server.certificate,
      cert: client.certificate,
      key: client.key,
      agent: false,
    };
    return new Promise((resolve, reject) => {
      secureRequest(options, (response) => {
        response.resume();
        response.on("end", resolve);
      })
        .on("error", reject)
        .end();
    });
  }

  async #reported(scenario: string, from: number): Promise<string[]> {
    await this.#envoy.process.waitFor(new RegExp(`: ${scenario}: end\\n`), { from });
    const lines = this.#envoy.process.output.slice(from).matchAll(/wasm log[^:]*: (\S+?): (.*)/g);
    return [...lines]
      .filter(([, name]) => name === scenario)
      .map(([, , line = ""]) => line)
      .filter((line) => line !== "end");
  }
}
