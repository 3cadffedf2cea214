import { request, type RequestOptions } from "node:https";
import { Authority, formatIdentity, readStateAuthority } from "../../controlplane/security/index.ts";

/** What a control plane that speaks TLS answers to whoever may read its state folder. */
export async function getAsAdmin(stateFolder: string, port: number, path: string): Promise<string> {
  const own = readStateAuthority(stateFolder);
  if (own === undefined) throw new Error(`no authority in ${stateFolder}`);
  const authority = await Authority.load(own);
  const uri = formatIdentity(own.trustDomain, { kind: "role", role: "admin" });
  const { certificate: cert, privateKey: key } = await authority.issue({ uri, lifetimeMs: 60_000 });
  return getSecurely(port, path, { ca: own.certificate, cert, key });
}

export function getSecurely(port: number, path: string, options: RequestOptions): Promise<string> {
  return new Promise((resolve, reject) => {
    const outgoing = request({ host: "127.0.0.1", port, path, agent: false, ...options }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("error", reject);
      response.on("end", () => resolve(Buffer.concat(chunks).toString()));
    });
    outgoing.on("error", reject);
    outgoing.end();
  });
}
