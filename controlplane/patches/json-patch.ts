import { isDeepStrictEqual } from "node:util";
import type { JsonValue, Registry } from "@bufbuild/protobuf";
import type { JsonPatchOperation, Path } from "../model/index.ts";
import { didYouMean } from "../model/suggest.ts";
import { isObject, jsonFaults, typeOfAny } from "./json-faults.ts";
import type { MessageFault } from "./json-faults.ts";
import { merge } from "./merge.ts";
import { fieldOf, shapeOfField, shapeOfMessage } from "./shape.ts";
import type { Shape } from "./shape.ts";

/** The result, or what is wrong; the paths of faults begin with the index of the operation. */
export type JsonPatchResult =
  { readonly ok: true; readonly value: JsonValue } | { readonly ok: false; readonly faults: readonly MessageFault[] };

/**
 * Carries out the operations of a JSON Patch (RFC 6902) on the JSON of a message, whose fields have the names of the .proto file.
 * Pointers may name a field in camel case as well. A list or map that is not there is an empty one: in a message it is the same.
 */
export function applyJsonPatch(
  shape: Shape,
  document: JsonValue,
  operations: readonly JsonPatchOperation[],
  registry: Registry,
): JsonPatchResult {
  let value = structuredClone(document);
  for (const [index, operation] of operations.entries()) {
    try {
      value = new Patching(shape, value, registry).apply(operation);
    } catch (error) {
      if (!(error instanceof PatchError)) throw error;
      return { ok: false, faults: error.faults.map((fault) => ({ ...fault, path: [index, ...fault.path] })) };
    }
  }
  return { ok: true, value };
}

class PatchError extends Error {
  readonly faults: readonly MessageFault[];

  constructor(faults: readonly MessageFault[]) {
    super("the operation cannot be carried out");
    this.faults = faults;
  }
}

function fail(message: string, path: Path = ["path"]): never {
  throw new PatchError([{ path, at: "value", message }]);
}

/** A part of a document: who holds it under which key, and what it may look like. */
interface Place {
  readonly holder: Record<string, JsonValue> | JsonValue[];
  readonly key: string | number;
  readonly shape: Shape;
  /** The names that must go when this one is set, as the others of a oneof. */
  readonly others: readonly string[];
}

class Patching {
  readonly #root: { document: JsonValue };
  readonly #shape: Shape;
  readonly #registry: Registry;

  constructor(shape: Shape, document: JsonValue, registry: Registry) {
    this.#root = { document };
    this.#shape = shape;
    this.#registry = registry;
  }

  apply(operation: JsonPatchOperation): JsonValue {
    const { op, path } = operation;
    switch (op) {
      case "add":
        this.#add(path, operation.value as JsonValue);
        break;
      case "remove":
        this.#remove(path);
        break;
      case "replace": {
        const place = this.#find(path);
        existing(place, path);
        set(place, this.#read(place, operation.value as JsonValue));
        break;
      }
      case "move": {
        if (`${path}/`.startsWith(`${operation.from}/`) && path !== operation.from)
          fail("cannot be moved into itself", ["from"]);
        const value = this.#at(operation.from);
        this.#remove(operation.from, ["from"]);
        this.#add(path, value, ["from"]);
        break;
      }
      case "copy":
        this.#add(path, structuredClone(this.#at(operation.from)), ["from"]);
        break;
      case "test": {
        const place = this.#find(path);
        const found = existing(place, path);
        const expected = this.#read(place, operation.value as JsonValue);
        if (!isDeepStrictEqual(found, expected)) fail(`expected ${short(expected)}, found ${short(found)}`, ["value"]);
        break;
      }
    }
    return this.#root.document;
  }

  #at(pointer: string): JsonValue {
    return existing(this.#find(pointer, ["from"]), pointer, ["from"]);
  }

  #add(path: string, value: JsonValue, at: Path = ["value"]): void {
    const place = this.#find(path);
    const made = this.#read(place, value, at);
    if (Array.isArray(place.holder)) place.holder.splice(Number(place.key), 0, made);
    else set(place, made);
  }

  #remove(path: string, at: Path = ["path"]): void {
    const place = this.#find(path, at);
    existing(place, path, at);
    if (path === "") fail("the whole cannot be removed", at);
    if (Array.isArray(place.holder)) place.holder.splice(Number(place.key), 1);
    else Reflect.deleteProperty(place.holder, place.key);
  }

  /** A value for a place, with the names of fields as documents have them. */
  #read({ shape }: Place, value: JsonValue, at: Path = ["value"]): JsonValue {
    const faults = jsonFaults(shape, value, this.#registry, at);
    if (faults.length > 0) throw new PatchError(faults);
    return shape.kind === "free" ? structuredClone(value) : merge(shape, undefined, value, this.#registry);
  }

  /** Goes down to the place of a pointer; what is above it must be there. */
  #find(pointer: string, at: Path = ["path"]): Place {
    let place: Place = { holder: this.#root, key: "document", shape: this.#shape, others: [] };
    const tokens = pointer.split("/").slice(1);
    for (const [t, raw] of tokens.entries()) {
      const token = raw.replaceAll("~1", "/").replaceAll("~0", "~");
      if (token === "__proto__") fail("expected another name", at);
      const value = opened(place, `/${tokens.slice(0, t).join("/")}`, at);
      place = this.#step(place.shape, value, token, at);
    }
    return place;
  }

  #step(shape: Shape, value: JsonValue, token: string, at: Path): Place {
    switch (shape.kind) {
      case "leaf":
        return fail(`${JSON.stringify(token)} leads into a value that has no parts`, at);
      case "list":
      case "free":
        if (Array.isArray(value)) return listPlace(value, token, shape.kind === "list" ? shape.of : shape, at);
        if (!isObject(value)) return fail(`${JSON.stringify(token)} leads into a value that has no parts`, at);
        return { holder: value, key: token, shape, others: [] };
      case "map":
        return { holder: value as Record<string, JsonValue>, key: token, shape: shape.of, others: [] };
      case "any": {
        if (token === "@type") return fail("the type of a message cannot be changed; replace the message", at);
        const inner = typeOfAny(value, this.#registry);
        if (inner === undefined) return fail("leads into a message of an unknown type", at);
        return this.#step(shapeOfMessage(inner), value, token, at);
      }
      case "message": {
        const field = fieldOf(shape.desc, token);
        if (field === undefined) {
          const names = shape.desc.fields.map(({ name }) => name);
          return fail(`${shape.desc.typeName} has no field ${JSON.stringify(token)}${didYouMean(token, names)}`, at);
        }
        const others = (field.oneof?.fields ?? []).filter((other) => other !== field).map(({ name }) => name);
        return { holder: value as Record<string, JsonValue>, key: field.name, shape: shapeOfField(field), others };
      }
    }
  }
}

function listPlace(list: JsonValue[], token: string, shape: Shape, at: Path): Place {
  if (token === "-") return { holder: list, key: list.length, shape, others: [] };
  if (!/^(0|[1-9]\d{0,8})$/.test(token)) return fail(`expected an index or "-", found ${JSON.stringify(token)}`, at);
  const index = Number(token);
  if (index > list.length) return fail(`there is no item ${token}; the list has ${list.length}`, at);
  return { holder: list, key: index, shape, others: [] };
}

/** The value of a place. */
function existing({ holder, key }: Place, pointer: string, at: Path = ["path"]): JsonValue {
  if (!has(holder, key)) fail(`there is nothing at ${pointer}; add it first, or use Merge`, at);
  return (holder as Record<string | number, JsonValue>)[key] as JsonValue;
}

/** The value of a place to go down into. An empty list or map is made where there is none. */
function opened(place: Place, pointer: string, at: Path): JsonValue {
  const { holder, key, shape } = place;
  if (!has(holder, key) && (shape.kind === "list" || shape.kind === "map")) set(place, shape.kind === "list" ? [] : {});
  return existing(place, pointer, at);
}

function has(holder: Place["holder"], key: string | number): boolean {
  return Array.isArray(holder) ? Number(key) < holder.length : Object.hasOwn(holder, key);
}

function set({ holder, key, others }: Place, value: JsonValue): void {
  for (const other of others) Reflect.deleteProperty(holder, other);
  (holder as Record<string | number, JsonValue>)[key] = value;
}

function short(value: JsonValue): string {
  const text = JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 80)}...` : text;
}
