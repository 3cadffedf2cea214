import { request as plainRequest, type IncomingMessage, type RequestOptions } from "node:http";
import { request as secureRequest } from "node:https";
import { readFileSync } from "node:fs";
import { userInfo } from "node:os";
import { checkServerIdentity, type PeerCertificate } from "node:tls";
import { Option, type Command } from "commander";
import type { Refusal } from "../api/index.ts";
import { formatHostPort, type HostPort } from "../control/host-port.ts";
import { InputError } from "../explain/input-error.ts";
import { httpOption, stateOption } from "./options.ts";

/** How a command reaches the API of a control plane. */
export interface Connection {
  readonly http: HostPort;
  readonly state: string;
  readonly ca?: string;
  readonly insecure: boolean;
}

export function addConnectionOptions(command: Command): Command {
  return command
    .addOption(httpOption("where the control plane serves its API"))
    .addOption(stateOption("the control plane's folder: who may read its authority's key may do everything"))
    .addOption(
      new Option(
        "--ca <file>",
        "elsewhere: the authorities that the control plane's certificate may come from, with a token in MESHWRIGHT_TOKEN",
      ).env("MESHWRIGHT_CA"),
    )
    .option("--insecure", "without encryption, for a control plane that runs so", false);
}

/** What is asked of the API besides a path. */
export interface Question {
  readonly method?: "GET" | "POST" | "DELETE";
  /** Sent as JSON. */
  readonly body?: object;
  readonly timeoutMs?: number;
}

/** The API does not answer, or refuses. */
export class NoAnswerError extends InputError {
  /** The whole answer, where it refuses. */
  readonly refusal: Refusal | undefined;

  constructor(message: string, refusal?: Refusal) {
    super(message);
    this.refusal = refusal;
  }
}

/** What a control plane's API answers; undefined, with a line on stderr and exit status 1, when it does not. */
export async function ask(connection: Connection, path: string, question: Question = {}): Promise<unknown> {
  try {
    return await query(connection, path, question);
  } catch (error) {
    process.stderr.write(`meshwright: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
    return undefined;
  }
}

/**
 * What a control plane's API answers.
 *
 * @throws NoAnswerError
 */
export async function query(connection: Connection, path: string, question: Question = {}): Promise<unknown> {
  return JSON.parse((await download(connection, path, question)).toString()) as unknown;
}

/**
 * What a control plane's API answers, as it is.
 *
 * @throws NoAnswerError
 */
export async function download(connection: Connection, path: string, question: Question = {}): Promise<Buffer> {
  const url = `${connection.insecure ? "http" : "https"}://${formatHostPort(connection.http)}${path}`;
  try {
    const { status, body } = await send(url, await requestOptions(connection), question);
    if (status !== 200) throw refused(url, status, body.toString());
    return body;
  } catch (error) {
    if (error instanceof NoAnswerError) throw error;
    throw new NoAnswerError(`no answer from ${url}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

type TlsOptions = Omit<RequestOptions, "headers"> & {
  headers: Readonly<Record<string, string>>;
  ca?: string;
  cert?: string;
  key?: string;
  checkServerIdentity?: typeof checkServerIdentity;
};

/** With what requests reach the API: whom it believes, and a certificate or a token. The certificate holds for five minutes. */
export async function requestOptions({ state, ca, insecure }: Connection): Promise<TlsOptions> {
  const token = process.env["MESHWRIGHT_TOKEN"];
  const headers: TlsOptions["headers"] = token === undefined ? {} : { authorization: `Bearer ${token}` };
  if (insecure) return { headers };
  if (ca !== undefined) return { headers, ca: readFileSync(ca, "utf8") };
  const { Authority, formatIdentity, readStateAuthority, urisOf } = await import("../security/index.ts");
  const own = readStateAuthority(state);
  if (own === undefined) {
    throw new Error(
      `there is no authority in ${state}: name the control plane's folder with --state, or its authority with --ca, or say --insecure`,
    );
  }
  const { trustDomain } = own;
  const server = formatIdentity(trustDomain, { kind: "control-plane" });
  const options: TlsOptions = {
    headers,
    ca: own.certificate,
    // By its identity, under whatever name it is reached.
    checkServerIdentity: (host: string, peer: PeerCertificate) =>
      urisOf(peer.raw).includes(server) ? undefined : checkServerIdentity(host, peer),
  };
  if (token !== undefined) return options;
  // Whoever has the authority's key may be anybody; this is said openly, by a certificate for minutes which is written nowhere.
  const authority = await Authority.load(own);
  const uri = formatIdentity(trustDomain, { kind: "role", role: "admin" });
  const { certificate, privateKey } = await authority.issue({ uri, name: userName(), lifetimeMs: 5 * 60_000 });
  return { ...options, cert: certificate, key: privateKey };
}

/** Who runs the command, for the history of changes. */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    // The user of a container need not have a name.
    return `uid ${String(process.getuid?.())}`;
  }
}

function send(
  url: string,
  options: TlsOptions,
  { method = "GET", body, timeoutMs = 10_000 }: Question,
): Promise<{ status: number; body: Buffer }> {
  return new Promise((resolve, reject) => {
    const receive = (response: IncomingMessage): void => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("error", reject);
      response.on("end", () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks) }));
    };
    const request = (url.startsWith("https:") ? secureRequest : plainRequest)(
      url,
      {
        ...options,
        method,
        headers: { ...options.headers, ...(body === undefined ? {} : { "content-type": "application/json" }) },
        agent: false,
      },
      receive,
    );
    request.setTimeout(timeoutMs, () => request.destroy(new Error(`no answer in ${timeoutMs / 1_000} s`)));
    request.on("error", reject);
    request.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

function refused(url: string, status: number, body: string): NoAnswerError {
  try {
    const refusal = JSON.parse(body) as Partial<Refusal>;
    if (typeof refusal.error === "string") return new NoAnswerError(refusal.error, refusal as Refusal);
  } catch {
    // No answer of ours.
  }
  return new NoAnswerError(`no answer from ${url}: status ${status}`);
}
