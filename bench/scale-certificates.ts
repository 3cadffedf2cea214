// The certificates of bench:scale --tls: one authority for both control planes.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Authority, DEFAULT_TRUST_DOMAIN, formatIdentity, type KeyPair } from "../controlplane/security/index.ts";

const LIFETIME_MS = 86_400_000;

/** Where the certificates are: `ca`, `server`, and of each sidecar its node id, each with `.pem` and `.key`. */
export async function writeCertificates(
  folder: string,
  sidecars: Iterable<{ readonly id: string; readonly cluster: string }>,
): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const write = (name: string, { certificate, privateKey }: KeyPair): void => {
    writeFileSync(join(folder, `${name}.pem`), certificate);
    writeFileSync(join(folder, `${name}.key`), privateKey);
  };
  const root = await Authority.create(DEFAULT_TRUST_DOMAIN);
  write("ca", root);
  const authority = await Authority.load(root);
  const uri = formatIdentity(DEFAULT_TRUST_DOMAIN, { kind: "service", service: "control-plane" });
  write("server", await authority.issue({ uri, hosts: ["localhost", "127.0.0.1"], lifetimeMs: LIFETIME_MS }));
  for (const { id, cluster } of sidecars) {
    const uri = formatIdentity(DEFAULT_TRUST_DOMAIN, { kind: "service", service: cluster });
    write(id, await authority.issue({ uri, lifetimeMs: LIFETIME_MS }));
  }
}
