import { X509Certificate } from "node:crypto";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { Authority, CertificateError, urisOf, type KeyPair } from "./authority.ts";

/** Where a control plane keeps the authority that it has made for itself. */
function folderOf(stateFolder: string): string {
  return join(stateFolder, "authority");
}

/** The authority of a state folder; undefined when there is none. @throws CertificateError when it cannot be used. */
export function readStateAuthority(stateFolder: string): (KeyPair & { readonly trustDomain: string }) | undefined {
  const folder = folderOf(stateFolder);
  if (!existsSync(folder)) return undefined;
  const [certFile, keyFile] = [join(folder, "ca.pem"), join(folder, "ca.key")];
  // Whoever reads the key can be any Service, and the control plane.
  const mode = statSync(keyFile).mode & 0o077;
  if (mode !== 0 && process.platform !== "win32")
    throw new CertificateError(
      `${keyFile} may be read by others: expected mode 600, found ${(statSync(keyFile).mode & 0o777).toString(8)}`,
    );
  const certificate = readFileSync(certFile, "utf8");
  const id = urisOf(new X509Certificate(certificate).raw)[0];
  const trustDomain = /^spiffe:\/\/([^/]+)$/.exec(id ?? "")?.[1];
  if (trustDomain === undefined) throw new CertificateError(`${certFile} names no trust domain`);
  return { certificate, privateKey: readFileSync(keyFile, "utf8"), trustDomain };
}

/**
 * The authority of a state folder, made when there is none.
 *
 * @param trustDomain the default when undefined; one that is there already keeps its own.
 * @throws CertificateError when the one that is there is of another trust domain, or cannot be used.
 */
export async function openStateAuthority(
  stateFolder: string,
  trustDomain: string,
): Promise<KeyPair & { readonly trustDomain: string }> {
  const found = readStateAuthority(stateFolder) ?? (await makeStateAuthority(stateFolder, trustDomain));
  if (found.trustDomain !== trustDomain) {
    throw new CertificateError(
      `the authority in ${folderOf(stateFolder)} is of the trust domain ${found.trustDomain}, not ${trustDomain}`,
    );
  }
  return found;
}

async function makeStateAuthority(
  stateFolder: string,
  trustDomain: string,
): Promise<KeyPair & { trustDomain: string }> {
  const made = await Authority.create(trustDomain);
  mkdirSync(stateFolder, { recursive: true });
  // Renamed as a whole, so that there is never half of it, nor two when two processes start at once.
  const scratch = mkdtempSync(join(stateFolder, "authority-"));
  try {
    chmodSync(scratch, 0o700);
    writeFileSync(join(scratch, "ca.key"), made.privateKey, { mode: 0o600 });
    writeFileSync(join(scratch, "ca.pem"), made.certificate, { mode: 0o644 });
    renameSync(scratch, folderOf(stateFolder));
    return { ...made, trustDomain };
  } catch (error) {
    const other = readStateAuthority(stateFolder);
    if (other === undefined) throw error;
    return other;
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}
