import { request, type RequestOptions } from "node:https";
import { Authority, formatIdentity, readStateAuthority } from "../../controlplane/security/index.ts";

/** How one is known to a control plane. */
interface Credentials {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

/** Issuing costs more than asking: one for all questions to a control plane. */
const issued = new Map<string, Promise<Credentials>>();

async function issue(own: StateAuthority): Promise<Credentials> {
  const authority = await Authority.load(own);
  const uri = formatIdentity(own.trustDomain, { kind: "role", role: "admin" });
  const { certificate: cert, privateKey: key } = await authority.issue({ uri, lifetimeMs: 3_600_000 });
  return { ca: own.certificate, cert, key };
}

type StateAuthority = NonNullable<ReturnType<typeof readStateAuthority>>;

/** What a control plane that speaks TLS answers to whoever may read its state folder. */
export async function getAsAdmin(stateFolder: string, port: number, path: string): Promise<string> {
  return getSecurely(port, path, await credentialsOf(stateFolder));
}

/** The same, for what changes something: `body` is sent as JSON. */
export async function postAsAdmin(stateFolder: string, port: number, path: string, body: object): Promise<string> {
  const headers = { "content-type": "application/json" };
  const options = { ...(await credentialsOf(stateFolder)), method: "POST", headers };
  return getSecurely(port, path, options, JSON.stringify(body));
}

async function credentialsOf(stateFolder: string): Promise<Credentials> {
  const own = readStateAuthority(stateFolder);
  if (own === undefined) throw new Error(`no authority in ${stateFolder}`);
  let credentials = issued.get(own.certificate);
  if (credentials === undefined) issued.set(own.certificate, (credentials = issue(own)));
  return credentials;
}

export function getSecurely(port: number, path: string, options: RequestOptions, body?: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const outgoing = request({ host: "127.0.0.1", port, path, agent: false, ...options }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("error", reject);
      response.on("end", () => resolve(Buffer.concat(chunks).toString()));
    });
    outgoing.on("error", reject);
    outgoing.end(body);
  });
}
