import { didYouMean } from "../model/suggest.ts";
import { formatPath, type Path } from "../model/index.ts";
import type { Document } from "../model/document.ts";
import type { Finding, FindingKind, Findings } from "./finding.ts";

/** What every part of a document shares. */
interface Reading {
  readonly document: Document;
  readonly findings: Findings;
  /** How a field's name is looked up: protobuf's JSON has each in two spellings. */
  readonly spellings: (name: string) => readonly string[];
}

/** A part of a document that knows where it stands, and that reads what is below it with a finding for each fault. */
export class Cursor {
  readonly value: unknown;
  readonly path: Path;
  readonly #reading: Reading;

  private constructor(reading: Reading, value: unknown, path: Path) {
    this.#reading = reading;
    this.value = value;
    this.path = path;
  }

  /** The root of a Kubernetes resource, whose fields have one spelling. */
  static ofResource(document: Document, findings: Findings): Cursor {
    return new Cursor({ document, findings, spellings: (name) => [name] }, document.value, []);
  }

  /** The root of a protobuf message in JSON: fields as in the .proto file, or in lowerCamelCase. */
  static ofMessage(document: Document, findings: Findings): Cursor {
    const spellings = (name: string): string[] => [
      name,
      name.replace(/_([a-z0-9])/g, (_, c: string) => c.toUpperCase()),
    ];
    return new Cursor({ document, findings, spellings }, document.value, []);
  }

  /** A finding about this part. */
  finding(kind: FindingKind, message: string, advice = ""): Finding {
    const position = this.#reading.document.origin.locate(this.path);
    return { kind, ...position, path: formatPath(this.path), message, advice };
  }

  report(kind: FindingKind, message: string, advice = ""): void {
    this.#reading.findings.add(this.finding(kind, message, advice));
  }

  get isMap(): boolean {
    return typeof this.value === "object" && this.value !== null && !Array.isArray(this.value);
  }

  /** The names of the fields, as they are spelled. */
  keys(): string[] {
    return this.isMap ? Object.keys(this.value as object) : [];
  }

  /** A field of exactly this spelling, such as a label. */
  at(key: string | number): Cursor {
    const map = this.value as Record<string | number, unknown>;
    return new Cursor(this.#reading, map[key], [...this.path, key]);
  }

  /** A field, if it is there and not null. */
  get(name: string): Cursor | undefined {
    if (!this.isMap) return undefined;
    for (const spelling of this.#reading.spellings(name)) {
      if (!Object.hasOwn(this.value as object, spelling)) continue;
      const field = this.at(spelling);
      if (field.value !== null) return field;
    }
    return undefined;
  }

  /** Reports every field that is not one of these: a misspelled condition must not be one that is not there. */
  only(...names: readonly string[]): this {
    if (!this.isMap) {
      this.report("error", `expected a map, found ${describe(this.value)}`);
      return this;
    }
    const known = new Set(names.flatMap((name) => this.#reading.spellings(name)));
    for (const key of this.keys()) {
      if (!known.has(key)) this.at(key).report("error", `unknown field${didYouMean(key, known)}`);
    }
    return this;
  }

  /** The one field of these that is set, as in a protobuf oneof. */
  oneOf(...names: readonly string[]): readonly [name: string, field: Cursor] | undefined {
    const set = names.flatMap((name) => {
      const field = this.get(name);
      return field === undefined ? [] : [[name, field] as const];
    });
    const [first, second] = set;
    if (second !== undefined) second[1].report("error", `expected one of ${names.join(", ")}, found two`);
    return first;
  }

  items(name: string): Cursor[] {
    return this.get(name)?.list() ?? [];
  }

  list(): Cursor[] {
    const { value } = this;
    if (Array.isArray(value)) return value.map((_, i) => this.at(i));
    this.report("error", `expected a list, found ${describe(value)}`);
    return [];
  }

  entries(name: string): (readonly [key: string, value: Cursor])[] {
    const map = this.get(name);
    if (map === undefined) return [];
    if (!map.isMap) map.report("error", `expected a map, found ${describe(map.value)}`);
    return map.keys().map((key) => [key, map.at(key)] as const);
  }

  string(): string {
    if (typeof this.value === "string") return this.value;
    this.report("error", `expected a string, found ${describe(this.value)}`);
    return "";
  }

  bool(): boolean {
    if (typeof this.value === "boolean") return this.value;
    this.report("error", `expected true or false, found ${describe(this.value)}`);
    return false;
  }

  /** A whole number, also one in quotes as protobuf's JSON allows. */
  integer(): number {
    const number = typeof this.value === "string" && /^-?\d+$/.test(this.value) ? Number(this.value) : this.value;
    if (typeof number === "number" && Number.isSafeInteger(number)) return number;
    this.report("error", `expected a whole number, found ${describe(this.value)}`);
    return 0;
  }

  text(name: string): string | undefined {
    return this.get(name)?.string();
  }

  flag(name: string): boolean {
    return this.get(name)?.bool() ?? false;
  }

  strings(name: string): string[] {
    return this.items(name).map((item) => item.string());
  }
}

function describe(value: unknown): string {
  if (value === null || value === undefined) return "nothing";
  if (Array.isArray(value)) return "a list";
  return typeof value === "object" ? "a map" : JSON.stringify(value);
}
