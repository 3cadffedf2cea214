import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

/** An authority of its own, made with openssl; what it issues is good for two days. */
export class CertificateAuthority {
  readonly cert: string;
  readonly #folder: string;
  #issued = 0;

  private constructor(folder: string) {
    this.#folder = folder;
    this.cert = readFileSync(join(folder, "ca.pem"), "utf8");
  }

  static async create(name: string): Promise<CertificateAuthority> {
    const folder = mkdtempSync(join(tmpdir(), "meshwright-ca-"));
    const files = ["-keyout", join(folder, "ca.key"), "-out", join(folder, "ca.pem")];
    await run("openssl", ["req", "-x509", ...NEW_KEY, ...files, "-subj", `/CN=${name}`, "-days", "2"]);
    return new CertificateAuthority(folder);
  }

  /**
   * @param subject as openssl reads it, for example `/O=Corp/CN=a`.
   * @param names alternative names as openssl reads them, for example `DNS:a.example`.
   */
  async issue(subject: string, names: readonly string[] = []): Promise<Certificate> {
    const file = (ending: string): string => join(this.#folder, `${this.#issued}.${ending}`);
    this.#issued += 1;
    await run("openssl", ["req", ...NEW_KEY, "-keyout", file("key"), "-out", file("csr"), "-subj", subject]);
    writeFileSync(file("ext"), names.length > 0 ? `subjectAltName=${names.join(",")}\n` : "");
    const ca = ["-CA", join(this.#folder, "ca.pem"), "-CAkey", join(this.#folder, "ca.key"), "-CAcreateserial"];
    const request = ["x509", "-req", "-in", file("csr"), "-out", file("pem"), "-extfile", file("ext"), "-days", "2"];
    await run("openssl", [...request, ...ca]);
    return { cert: readFileSync(file("pem"), "utf8"), key: readFileSync(file("key"), "utf8") };
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

const NEW_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
