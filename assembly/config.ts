// Reading a plugin's configuration, with errors that name the field.

import { Bytes } from "./bytes";
import { jsonError, parseJson } from "./json/parse";
import { JsonKind, JsonValue, quote } from "./json/value";
import { logError } from "./log";

/**
 * A configuration in JSON. Read its fields from `root`; a field that is missing, ill-typed or out of range gives a harmless
 * value and an error. `accept` then tells, in the log, all that is wrong, fields that nobody read included:
 *
 *     const config = new Config(configuration);
 *     this.limit = config.root.integer("limit", 1, 1_000_000);
 *     return config.accept();
 *
 * Errors read `rules[3].limit: expected an integer from 1 to 1000000, found string "5"`.
 */
@final
export class Config {
  readonly root: ConfigObject;
  private errors: ConfigErrors;

  /** @param configuration JSON text; nothing at all stands for `{}`. */
  constructor(configuration: Bytes) {
    const errors = new ConfigErrors();
    let value: JsonValue | null = null;
    if (configuration.size) {
      value = parseJson(configuration);
      if (value === null) errors.messages.push(`configuration: ${jsonError}`);
      else if (value.kind != JsonKind.Object) errors.add("configuration", "an object", value);
    }
    this.root = new ConfigObject("", value, errors);
    this.errors = errors;
  }

  /** Records an error of the filter's own, for example of two fields that do not go together. */
  error(path: string, message: string): void {
    this.errors.messages.push(`${path}: ${message}`);
  }

  /** Whether the configuration is good. Logs every error otherwise. To be called last. */
  accept(): bool {
    this.errors.findUnknown();
    const messages = this.errors.messages;
    for (let i = 0; i < messages.length; ++i) logError(messages[i]);
    return messages.length == 0;
  }

  /** What is wrong so far. */
  get messages(): string[] {
    return this.errors.messages;
  }
}

class ConfigErrors {
  messages: string[] = [];
  objects: ConfigObject[] = [];

  add(path: string, expected: string, found: JsonValue | null): void {
    this.messages.push(`${path}: expected ${expected}, found ${found === null ? "nothing" : found.describe()}`);
  }

  findUnknown(): void {
    for (let i = 0; i < this.objects.length; ++i) this.objects[i].findUnknown();
    this.objects = [];
  }
}

/** An object of a configuration. */
@final
export class ConfigObject {
  /** Names of the fields that were asked for. */
  private known: string[] = [];
  /** Whether all names are data. */
  private allKnown: bool = false;

  constructor(
    /** Where the object stands, for example `rules[3]`; empty for the root. */
    readonly path: string,
    private value: JsonValue | null,
    private errors: ConfigErrors,
  ) {
    errors.objects.push(this);
  }

  /** The path of one of its fields. */
  pathOf(name: string): string {
    return this.path.length ? `${this.path}.${name}` : name;
  }

  /** Whether the field is there; it counts as read. */
  has(name: string): bool {
    return this.take(name) !== null;
  }

  /** Names of all fields, for an object whose names are data; they count as read. */
  names(): string[] {
    this.allKnown = true;
    const value = this.value;
    return value === null ? [] : value.keys;
  }

  /** A field that must be there and be a string that is not empty. */
  string(name: string): string {
    const value = this.take(name);
    if (value !== null && value.kind == JsonKind.String && value.text.length) return value.text;
    this.errors.add(this.pathOf(name), "a string that is not empty", value);
    return "";
  }

  /** A string that may be left out or empty. */
  stringOr(name: string, absent: string): string {
    const value = this.take(name);
    if (value === null) return absent;
    if (value.kind == JsonKind.String) return value.text;
    this.errors.add(this.pathOf(name), "a string", value);
    return absent;
  }

  /** An integer that must be there and be from `min` to `max`. */
  integer(name: string, min: i64, max: i64): i64 {
    const value = this.take(name);
    if (value !== null && value.isInteger && value.integer >= min && value.integer <= max) return value.integer;
    this.errors.add(this.pathOf(name), `an integer from ${min} to ${max}`, value);
    return min;
  }

  /** An integer from `min` to `max` that may be left out. */
  integerOr(name: string, min: i64, max: i64, absent: i64): i64 {
    return this.has(name) ? this.integer(name, min, max) : absent;
  }

  /** A number, whole or not, that must be there and be from `min` to `max`. */
  number(name: string, min: f64, max: f64): f64 {
    const value = this.take(name);
    if (value !== null && value.kind == JsonKind.Number && value.number >= min && value.number <= max)
      return value.number;
    this.errors.add(this.pathOf(name), `a number from ${min} to ${max}`, value);
    return min;
  }

  /** A bool that may be left out. */
  boolOr(name: string, absent: bool): bool {
    const value = this.take(name);
    if (value === null) return absent;
    if (value.kind == JsonKind.Bool) return value.bool;
    this.errors.add(this.pathOf(name), "true or false", value);
    return absent;
  }

  /** One of some words, which must be there. Gives its position in `words`, 0 when it is none of them. */
  oneOf(name: string, words: string[]): i32 {
    const value = this.take(name);
    const index = value !== null && value.kind == JsonKind.String ? words.indexOf(value.text) : -1;
    if (index >= 0) return index;
    this.errors.add(this.pathOf(name), words.length == 1 ? quote(words[0]) : `one of "${words.join('", "')}"`, value);
    return 0;
  }

  /** One of some words, or `absent` when the field is left out. */
  oneOfOr(name: string, words: string[], absent: i32): i32 {
    return this.has(name) ? this.oneOf(name, words) : absent;
  }

  /**
   * The one of some fields that is there, where they stand for different things and exactly one is to be given.
   * Its position in `names`, or -1, with an error, when there is none or more than one.
   */
  alternative(names: string[]): i32 {
    const found: string[] = [];
    for (let i = 0; i < names.length; ++i) {
      if (this.has(names[i])) found.push(names[i]);
    }
    if (found.length == 1) return names.indexOf(found[0]);
    const value = this.value;
    // What is no object has its error already.
    if (value !== null && value.kind == JsonKind.Object) {
      const list = found.length ? found.join(" and ") : "none of them";
      this.errors.messages.push(`${this.path}: expected exactly one of ${names.join(", ")}, found ${list}`);
    }
    return -1;
  }

  /** An object that must be there. */
  object(name: string): ConfigObject {
    const value = this.take(name);
    if (value === null || value.kind != JsonKind.Object) this.errors.add(this.pathOf(name), "an object", value);
    return new ConfigObject(this.pathOf(name), value, this.errors);
  }

  /** An object, or null when the field is left out. */
  objectOrNull(name: string): ConfigObject | null {
    return this.has(name) ? this.object(name) : null;
  }

  /** An object; when the field is left out, one without fields, of which every optional field has its default. */
  objectOrEmpty(name: string): ConfigObject {
    return this.has(name)
      ? this.object(name)
      : new ConfigObject(this.pathOf(name), new JsonValue(JsonKind.Object), this.errors);
  }

  /** An array of objects; empty when the field is left out. */
  objects(name: string): ConfigObject[] {
    const items = this.items(name);
    const objects: ConfigObject[] = [];
    for (let i = 0; i < items.length; ++i) {
      const path = `${this.pathOf(name)}[${i}]`;
      if (items[i].kind != JsonKind.Object) this.errors.add(path, "an object", items[i]);
      objects.push(new ConfigObject(path, items[i], this.errors));
    }
    return objects;
  }

  /** An array of strings that are not empty; empty when the field is left out. */
  strings(name: string): string[] {
    const items = this.items(name);
    const strings: string[] = [];
    for (let i = 0; i < items.length; ++i) {
      if (items[i].kind == JsonKind.String && items[i].text.length) strings.push(items[i].text);
      else this.errors.add(`${this.pathOf(name)}[${i}]`, "a string that is not empty", items[i]);
    }
    return strings;
  }

  /** The field as it is, or null when it is left out. What is in it is not checked. */
  json(name: string): JsonValue | null {
    return this.take(name);
  }

  /** Records that a field is wrong in a way that only the filter knows. */
  error(name: string, expected: string): void {
    this.errors.add(this.pathOf(name), expected, this.take(name));
  }

  findUnknown(): void {
    const value = this.value;
    if (value === null || this.allKnown) return;
    const allowed = this.known.length ? `one of ${this.known.join(", ")}` : "no field";
    for (let i = 0; i < value.keys.length; ++i) {
      const name = value.keys[i];
      if (this.known.includes(name)) continue;
      this.errors.messages.push(`${this.pathOf(name)}: unknown field, expected ${allowed}`);
    }
  }

  private items(name: string): JsonValue[] {
    const value = this.take(name);
    if (value === null) return [];
    if (value.kind != JsonKind.Array) {
      this.errors.add(this.pathOf(name), "an array", value);
      return [];
    }
    return value.items;
  }

  private take(name: string): JsonValue | null {
    if (!this.allKnown && !this.known.includes(name)) this.known.push(name);
    const value = this.value;
    return value === null ? null : value.member(name);
  }
}
