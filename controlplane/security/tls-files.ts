import { readFileSync } from "node:fs";
import { X509Certificate } from "node:crypto";
import { parseRevoked } from "./certificate-watch.ts";
import { CertificateError, certificatesOf, checkKeyPair, type KeyPair } from "./authority.ts";

/** Files in PEM. */
export interface KeyPairFiles {
  readonly certificate: string;
  readonly privateKey: string;
}

/** @throws CertificateError which names the file. */
export function readKeyPair(files: KeyPairFiles): KeyPair {
  const pair = { certificate: read(files.certificate), privateKey: read(files.privateKey) };
  return naming(`${files.certificate} and ${files.privateKey}`, () => {
    checkKeyPair(pair);
    return pair;
  });
}

/** The certificates of a file, as PEM. @throws CertificateError which names the file. */
export function readTrust(file: string): string {
  const text = read(file);
  return naming(file, () => {
    const certificates = certificatesOf(text);
    if (certificates.length === 0) throw new CertificateError("expected certificates in PEM, found none");
    for (const certificate of certificates) new X509Certificate(certificate);
    return `${certificates.join("\n")}\n`;
  });
}

/** The serial numbers in a file. @throws CertificateError which names the file. */
export function readRevoked(file: string): readonly string[] {
  const text = read(file);
  return naming(file, () => [...parseRevoked(text)]);
}

function read(file: string): string {
  return naming(file, () => readFileSync(file, "utf8"));
}

function naming<T>(what: string, step: () => T): T {
  try {
    return step();
  } catch (error) {
    throw new CertificateError(`${what}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}

/** Reads files again and again, which also sees what is renamed, linked or mounted anew. */
export class Polled<T> {
  readonly #read: () => T;
  readonly #onError: (error: Error) => void;
  readonly #listeners = new Set<(value: T) => void>();
  readonly #timer: NodeJS.Timeout;
  #current: T;
  #lastError = "";

  /**
   * @param read throws while the files cannot be used; the value before then stays.
   * @param onError is told each such reason once.
   * @throws what the first reading throws.
   */
  constructor(read: () => T, intervalMs: number, onError: (error: Error) => void) {
    this.#read = read;
    this.#onError = onError;
    this.#current = read();
    this.#timer = setInterval(() => this.#poll(), intervalMs);
    this.#timer.unref();
  }

  get current(): T {
    return this.#current;
  }

  onChange(listener: (value: T) => void): void {
    this.#listeners.add(listener);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #poll(): void {
    try {
      const value = this.#read();
      this.#lastError = "";
      if (JSON.stringify(value) === JSON.stringify(this.#current)) return;
      this.#current = value;
      for (const listener of this.#listeners) listener(value);
    } catch (error) {
      const failure = error instanceof Error ? error : new Error(String(error));
      if (failure.message !== this.#lastError) this.#onError(failure);
      this.#lastError = failure.message;
    }
  }
}
