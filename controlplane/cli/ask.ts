import { request as plainRequest, type IncomingMessage, type RequestOptions } from "node:http";
import { request as secureRequest } from "node:https";
import { readFileSync } from "node:fs";
import { checkServerIdentity, type PeerCertificate } from "node:tls";
import { Option, type Command } from "commander";
import { formatHostPort, type HostPort } from "../control/index.ts";
import { Authority, formatIdentity, readStateAuthority, urisOf } from "../security/index.ts";
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

/** What a control plane's API answers; undefined, with a line on stderr and exit status 1, when it does not. */
export async function ask(connection: Connection, path: string): Promise<unknown> {
  const url = `${connection.insecure ? "http" : "https"}://${formatHostPort(connection.http)}${path}`;
  try {
    const { status, body } = await send(url, await optionsOf(connection));
    if (status !== 200) throw new Error(reasonOf(status, body));
    return JSON.parse(body) as unknown;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    process.stderr.write(`meshwright: no answer from ${url}: ${reason}\n`);
    process.exitCode = 1;
    return undefined;
  }
}

type TlsOptions = RequestOptions & {
  ca?: string;
  cert?: string;
  key?: string;
  checkServerIdentity?: typeof checkServerIdentity;
};

async function optionsOf({ state, ca, insecure }: Connection): Promise<TlsOptions> {
  const token = process.env["MESHWRIGHT_TOKEN"];
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  if (insecure) return { headers };
  if (ca !== undefined) return { headers, ca: readFileSync(ca, "utf8") };
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
  const { certificate, privateKey } = await authority.issue({ uri, lifetimeMs: 5 * 60_000 });
  return { ...options, cert: certificate, key: privateKey };
}

function send(url: string, options: TlsOptions): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const receive = (response: IncomingMessage): void => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("error", reject);
      response.on("end", () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString() }));
    };
    const request = (url.startsWith("https:") ? secureRequest : plainRequest)(
      url,
      { ...options, agent: false },
      receive,
    );
    request.setTimeout(10_000, () => request.destroy(new Error("no answer in 10 s")));
    request.on("error", reject);
    request.end();
  });
}

function reasonOf(status: number, body: string): string {
  try {
    const { error } = JSON.parse(body) as { error?: unknown };
    if (typeof error === "string") return `${status}: ${error}`;
  } catch {
    // No answer of ours.
  }
  return `status ${status}`;
}
