import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

export interface Standing {
  /** Resources by type and state, such as `Cluster ACKED`. */
  readonly counts: Readonly<Record<string, number>>;
  /** What it refused, and why. */
  readonly refused: readonly string[];
}

/** The program `go/grpc-client` as a process: it makes gRPC calls as it is told. */
export class GrpcClient {
  readonly #child: ChildProcess;
  readonly #answers: AsyncIterator<string>;
  #last: Promise<unknown> = Promise.resolve();
  #errors = "";

  /** @param bootstrap the file with the bootstrap of its xDS client. */
  constructor(program: string, bootstrap: string) {
    this.#child = spawn(program, { env: { ...process.env, GRPC_XDS_BOOTSTRAP: bootstrap }, stdio: "pipe" });
    const { stdout, stderr } = this.#child;
    if (stdout === null || stderr === null) throw new Error("a process with pipes has them");
    stderr.setEncoding("utf8").on("data", (text: string) => (this.#errors += text));
    this.#answers = createInterface(stdout)[Symbol.asyncIterator]();
  }

  /** What it says of calls that failed. */
  get errors(): string {
    return this.#errors;
  }

  /** How often each answer came to so many calls of a method, or each status. */
  call(target: string, path: string, count = 1): Promise<Record<string, number>> {
    return this.#ask(`call ${target} ${path} ${String(count)}`) as Promise<Record<string, number>>;
  }

  /** Has it ask the control plane for a target. */
  async open(target: string): Promise<void> {
    await this.#ask(`open ${target}`);
  }

  /** Where its xDS client says to stand. */
  standing(): Promise<Standing> {
    return this.#ask("status") as Promise<Standing>;
  }

  async stop(): Promise<void> {
    const closed = once(this.#child, "close");
    this.#child.stdin?.end();
    await closed;
  }

  /** One question after the other. */
  #ask(line: string): Promise<unknown> {
    const answered = this.#last.then(async () => {
      this.#child.stdin?.write(`${line}\n`);
      const { value } = (await this.#answers.next()) as { readonly value?: string };
      if (value === undefined) throw new Error(`the client ended:\n${this.#errors}`);
      return JSON.parse(value) as unknown;
    });
    this.#last = answered.catch(() => undefined);
    return answered;
  }
}
