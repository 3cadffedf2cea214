// Hostile values: raw bytes, words that the module knows, and both mixed in the forms that filters read.
import type { Numbers } from "../support/numbers.ts";

const EDGES = ["", "0", "-1", "1e999", "NaN", "4294967296", "18446744073709551616", "-9223372036854775808", "0x10"];
const MARKS = [
  "/",
  "..",
  "%2e",
  "%00",
  "%",
  "?",
  "&",
  "=",
  ";",
  ",",
  " ",
  '"',
  "\\",
  "\r\n",
  "\u0000",
  ":",
  "é",
  "\ud800",
];

/** The values of one session. */
export class Values {
  readonly numbers: Numbers;
  readonly #words: readonly string[];

  /** @param words What the module compares with, or has in its configuration. */
  constructor(numbers: Numbers, words: readonly string[]) {
    this.numbers = numbers;
    this.#words = [...words, ...EDGES];
  }

  /** Whether something with a chance of one in `n` happens. */
  chance(n: number): boolean {
    return this.numbers(n) === 0;
  }

  pick<T>(list: readonly T[], otherwise: T): T {
    return list[this.numbers(list.length)] ?? otherwise;
  }

  word(): string {
    return this.pick(this.#words, "");
  }

  /** Mostly short; now and then as long as a buffer. */
  raw(): Uint8Array {
    const length = this.chance(50) ? this.numbers(20_000) : this.numbers(this.chance(4) ? 300 : 24);
    return Uint8Array.from({ length }, () => this.numbers(256));
  }

  /** Any value of any form. */
  bytes(): Uint8Array {
    switch (this.numbers(8)) {
      case 0:
        return this.raw();
      case 1:
        return this.changed(Buffer.from(this.word()));
      case 2:
        return Buffer.from(this.json());
      case 3:
        return this.changed(Buffer.from(this.json()));
      case 4:
        return Buffer.from(this.#token());
      case 5:
        return this.#protobuf();
      case 6:
        return Buffer.from(this.#text());
      default:
        return Buffer.from(this.word());
    }
  }

  /** A value with a few bytes changed, cut out, doubled or put in. */
  changed(value: Uint8Array): Uint8Array {
    let bytes = Buffer.from(value);
    for (let n = 1 + this.numbers(3); n > 0; --n) {
      const at = this.numbers(bytes.length + 1);
      const end = Math.min(at + this.numbers(8), bytes.length);
      const put = [Buffer.of(this.numbers(256)), bytes.subarray(at, end), Buffer.from(this.word()), Buffer.alloc(0)];
      const rest = bytes.subarray(this.chance(2) ? at : end);
      bytes = Buffer.concat([bytes.subarray(0, at), this.pick(put, Buffer.alloc(0)), rest]);
    }
    return bytes;
  }

  /** JSON of any shape; `known` is a value to keep most of. */
  json(known?: unknown): string {
    return JSON.stringify(known === undefined ? this.#any(3) : this.#like(known));
  }

  /** A name as HTTP has it, known or not; sometimes one that no peer should send. */
  headerName(): string | Uint8Array {
    if (this.chance(12)) return this.changed(Buffer.from(this.word())).map((byte) => (byte === 0 ? 1 : byte));
    return (
      this.word()
        .toLowerCase()
        .replaceAll(/[^!-~]/g, "") || "x-a"
    );
  }

  headers(): [string | Uint8Array, Uint8Array][] {
    return Array.from({ length: this.numbers(this.chance(20) ? 60 : 6) }, () => [this.headerName(), this.bytes()]);
  }

  #text(): string {
    return Array.from({ length: this.numbers(12) }, () => (this.chance(2) ? this.pick(MARKS, "") : this.word())).join(
      "",
    );
  }

  /** What looks like a JWT, or like credentials. */
  #token(): string {
    const part = (): string => Buffer.from(this.chance(4) ? this.raw() : this.json()).toString("base64url");
    const token = Array.from({ length: 1 + this.numbers(4) }, part).join(".");
    return this.pick(["Bearer ", "Basic ", "bearer", ""], "") + token;
  }

  #protobuf(): Uint8Array {
    const field = (): Buffer => {
      const value = this.chance(2) ? this.raw().subarray(0, 100) : Buffer.from(this.word()).subarray(0, 100);
      return Buffer.concat([Buffer.of(this.numbers(128), this.chance(3) ? this.numbers(256) : value.length), value]);
    };
    return Buffer.concat(Array.from({ length: this.numbers(6) }, field));
  }

  #any(depth: number): unknown {
    switch (this.numbers(depth > 0 ? 9 : 6)) {
      case 0:
        return null;
      case 1:
        return this.chance(2);
      case 2:
        return (
          this.pick([0, 1, -1, 0.5, 1e21, 1e-7, 2 ** 31, 2 ** 53, -(2 ** 63)], 0) +
          (this.chance(2) ? this.numbers(100) : 0)
        );
      case 6:
        return Array.from({ length: this.numbers(4) }, () => this.#any(depth - 1));
      case 7:
      case 8:
        return Object.fromEntries(Array.from({ length: this.numbers(4) }, () => [this.word(), this.#any(depth - 1)]));
      default:
        return this.chance(6) ? this.#text() : this.word();
    }
  }

  /** A copy of a JSON value with some of its parts left out, doubled or replaced. */
  #like(value: unknown): unknown {
    if (this.chance(12)) return this.#any(2);
    if (Array.isArray(value)) {
      return value.flatMap((item: unknown) =>
        this.chance(10) ? [] : this.chance(10) ? [item, this.#like(item)] : [this.#like(item)],
      );
    }
    if (typeof value !== "object" || value === null) return value;
    const entries = Object.entries(value)
      .filter(() => !this.chance(12))
      .map(([name, item]) => [this.chance(30) ? this.word() : name, this.#like(item)]);
    if (this.chance(8)) entries.push([this.word(), this.#any(2)]);
    return Object.fromEntries(entries);
  }
}
