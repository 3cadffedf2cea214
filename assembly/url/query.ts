// Queries such as `a=1&b=2`, in the form application/x-www-form-urlencoded (URL Standard, section 5), which bodies of
// forms have, too.

import { Bytes } from "../bytes";
import { ByteWriter } from "../encoding/byte-writer";
import { decodesTo, percentDecode, percentEncode } from "../encoding/percent";
import { arenaAllocate } from "../runtime/arena";
import { RequestTarget } from "./target";

// @ts-ignore: decorator
@inline const AMPERSAND: u8 = 0x26;
// @ts-ignore: decorator
@inline const EQUALS: u8 = 0x3d;

/**
 * Reads a query parameter by parameter; nothing is parsed before it is asked for:
 *
 *     const query = Query.ofTarget(path);
 *     const page = query.get("page");
 *     query.rewind();
 *     while (query.next()) log(query.name.toString());
 *
 * Names are compared decoded, so `%61` is found as `a`. Nothing is malformed: an escape that is none stands for itself, and a
 * parameter without `=` has an empty value.
 */
@unmanaged
@final
export class Query {
  /** The name of the current parameter as it is written, escapes and all. */
  name: Bytes;
  /** Its value as it is written. */
  value: Bytes;

  private text: Bytes;
  private at: i32;

  /** @param text A query without `?`, or the body of a form. */
  static of(text: Bytes): Query {
    const query = changetype<Query>(arenaAllocate(offsetof<Query>()));
    query.name = Bytes.at(text.pointer, 0);
    query.value = Bytes.at(text.pointer, 0);
    query.text = text;
    query.at = 0;
    return query;
  }

  /** The query of a request target, `:path` for example; one without parameters where it has none. */
  static ofTarget(target: Bytes): Query {
    const query = RequestTarget.of(target).query;
    return Query.of(query === null ? target.slice(target.size) : query);
  }

  /** Goes to the next parameter. False at the end. */
  next(): bool {
    const text = this.text;
    while (this.at < text.size) {
      const start = this.at;
      const ampersand = text.indexOf(AMPERSAND, start);
      const end = ampersand < 0 ? text.size : ampersand;
      this.at = end + 1;
      if (end == start) continue;
      const equals = text.indexOf(EQUALS, start);
      const nameEnd = equals < 0 || equals > end ? end : equals;
      this.name.pointer = text.pointer + start;
      this.name.size = nameEnd - start;
      const valueStart = min(nameEnd + 1, end);
      this.value.pointer = text.pointer + valueStart;
      this.value.size = end - valueStart;
      return true;
    }
    return false;
  }

  /** The current parameter whole, as it is written. */
  get parameter(): Bytes {
    const start = this.name.pointer;
    return Bytes.at(start, <i32>(this.value.pointer - start) + this.value.size);
  }

  /** Goes back to the start. */
  rewind(): void {
    this.at = 0;
  }

  /**
   * The value of the first parameter of a name, as it is written, or null. It starts over each time; `findNext` finds the
   * others of the name.
   */
  find(name: Bytes): Bytes | null {
    this.rewind();
    return this.findNext(name);
  }

  /** As `find`, but from behind the current parameter. */
  findNext(name: Bytes): Bytes | null {
    while (this.next()) {
      if (decodesTo(this.name, name, true)) return Bytes.at(this.value.pointer, this.value.size);
    }
    return null;
  }

  /** The value of the first parameter of a name, decoded, or null. An empty value is not null. */
  get(name: string): string | null {
    const value = this.find(Bytes.utf8(name));
    return value === null ? null : percentDecode(value, true).toString();
  }

  /** The values of all parameters of a name, decoded, in order. */
  getAll(name: string): string[] {
    const key = Bytes.utf8(name);
    const values: string[] = [];
    for (let value = this.find(key); value !== null; value = this.findNext(key)) {
      values.push(percentDecode(value, true).toString());
    }
    return values;
  }

  has(name: string): bool {
    return this.find(Bytes.utf8(name)) !== null;
  }
}

/** Writes a query. `bytes` has no `?`. */
@final
export class QueryBuilder {
  private out: ByteWriter = new ByteWriter(64);

  clear(): this {
    this.out.clear();
    return this;
  }

  append(name: string, value: string): this {
    return this.appendBytes(Bytes.utf8(name), Bytes.utf8(value));
  }

  /** As `append`, for bytes of any encoding; they are escaped all the same. */
  appendBytes(name: Bytes, value: Bytes): this {
    return this.appendRaw(percentEncode(name)).value(value);
  }

  /** What was written; valid until something else is, and no longer than this callback. */
  get bytes(): Bytes {
    return this.out.bytes;
  }

  /** Adds parameters that are written already. */
  appendRaw(parameters: Bytes): this {
    if (this.out.size) this.out.byte(AMPERSAND);
    this.out.write(parameters);
    return this;
  }

  private value(value: Bytes): this {
    this.out.byte(EQUALS).write(percentEncode(value));
    return this;
  }
}

/**
 * A target with this one parameter of its name, in the place of the first that it has, else at the end. Everything else stays
 * as it is written. The result is in memory of this callback.
 */
export function setQueryParameter(target: Bytes, name: string, value: string): Bytes {
  return rewrite(target, Bytes.utf8(name), Bytes.utf8(value));
}

/** A target without any parameter of a name, and without `?` where none is left. In memory of this callback. */
export function removeQueryParameter(target: Bytes, name: string): Bytes {
  return rewrite(target, Bytes.utf8(name), null);
}

// @ts-ignore: decorator
@lazy
const builder: QueryBuilder = new QueryBuilder();

function rewrite(target: Bytes, name: Bytes, value: Bytes | null): Bytes {
  const parts = RequestTarget.of(target);
  const fragment = parts.fragment;
  const pathEnd = parts.path.pointer + parts.path.size;
  let wanted = value;
  let found = false;
  builder.clear();
  const query = Query.ofTarget(target);
  while (query.next()) {
    if (!decodesTo(query.name, name, true)) {
      builder.appendRaw(query.parameter);
      continue;
    }
    found = true;
    if (wanted !== null) builder.appendBytes(name, wanted);
    wanted = null;
  }
  if (!found && value === null) return target;
  if (wanted !== null) builder.appendBytes(name, wanted);
  const parameters = builder.bytes;
  const size = <i32>(pathEnd - target.pointer);
  const tail = fragment === null ? 0 : fragment.size + 1;
  const out = Bytes.allocate(size + 1 + parameters.size + tail);
  memory.copy(out.pointer, target.pointer, size);
  let end = size;
  if (parameters.size) {
    out[end++] = 0x3f;
    memory.copy(out.pointer + end, parameters.pointer, parameters.size);
    end += parameters.size;
  }
  memory.copy(out.pointer + end, target.pointer + (target.size - tail), tail);
  return out.slice(0, end + tail);
}
