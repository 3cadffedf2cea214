import { Agent, request } from "node:http";
import { FilterEnvoy, wasmFilter } from "./filter-chains.ts";
import { moduleOf } from "./examples.ts";

/** What is to be verified: a token, or a signature of a text in base64url. */
export type Question = { readonly keys: readonly object[]; readonly algorithms?: readonly string[] } & (
  { readonly jws: string } | { readonly alg: string; readonly text: string; readonly signature: string }
);

/** The keys of authz in a real Envoy, by themselves. */
export class SignatureEnvoy {
  readonly #envoy: FilterEnvoy;
  readonly #port: number;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 4 });

  private constructor(envoy: FilterEnvoy) {
    this.#envoy = envoy;
    this.#port = envoy.port("signatures");
  }

  static async start(): Promise<SignatureEnvoy> {
    const module = await moduleOf("test/fixtures/signatures.ts", ["test/fixtures", "filters"], "fixtures/signatures");
    return new SignatureEnvoy(await FilterEnvoy.start({ signatures: [wasmFilter("signatures", module, {})] }));
  }

  /** Why it is not good; empty if it is. */
  ask(question: Question): Promise<string> {
    const headers = { "x-question": JSON.stringify(question) };
    return new Promise((resolve, reject) => {
      const outgoing = request({ port: this.#port, agent: this.#agent, headers, timeout: 20_000 }, (response) => {
        let body = "";
        response.setEncoding("utf8").on("data", (text: string) => (body += text));
        response.on("end", () => {
          if (response.statusCode === 200) resolve(body);
          else reject(new Error(`${String(response.statusCode)} ${body}: ${headers["x-question"]}`));
        });
      });
      outgoing.on("timeout", () => outgoing.destroy(new Error("no answer in 20 s")));
      outgoing.on("error", reject);
      outgoing.end();
    });
  }

  async stop(): Promise<void> {
    this.#agent.destroy();
    await this.#envoy.stop();
  }
}
