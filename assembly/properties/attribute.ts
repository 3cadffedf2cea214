// Attributes by type. The host sends no type with a value, so each class reads the one that Envoy documents for its attribute.

import { Status } from "../abi/enums";
import { proxy_get_property } from "../abi/imports";
import { Bytes } from "../bytes";
import { ProtobufReader } from "../encoding/protobuf";
import { Pairs } from "./pairs";
import { childPath, dottedPath } from "./path";
import { Property } from "./property";

const dataOut: usize = memory.data(4);
const sizeOut: usize = memory.data(4);

/**
 * An attribute of Envoy, made once and read often. Every read answers null or the given default where the host has no such
 * value: outside its stream, too early in it, or in a release that lacks the attribute.
 */
export abstract class Attribute {
  protected path: StaticArray<u8>;

  constructor(path: StaticArray<u8>) {
    this.path = path;
  }

  /** The value in the host's form. */
  bytes(): Bytes | null {
    const path = this.path;
    if (proxy_get_property(changetype<usize>(path), path.length, dataOut, sizeOut) != Status.Ok) return null;
    return Bytes.at(load<usize>(dataOut), load<i32>(sizeOut));
  }

  /** Whether the host has a value. It hands the value over for that: read it instead where it is needed anyway. */
  exists(): bool {
    return this.bytes() !== null;
  }

  /** The eight bytes of a number, or `absent`. */
  protected word(absent: u64): u64 {
    const value = this.bytes();
    return value === null || value.size != 8 ? absent : load<u64>(value.pointer);
  }
}

/** Text, or bytes. */
@final
export class StringAttribute extends Attribute {
  constructor(path: string) {
    super(dottedPath(path));
  }

  /** The value read as UTF-8; what is not well formed becomes U+FFFD. */
  string(): string | null {
    const value = this.bytes();
    return value === null ? null : value.toString();
  }

  /** Whether the host has a value and it is `text`, which must be ASCII. Nothing is allocated. */
  is(text: string): bool {
    const value = this.bytes();
    return value !== null && value.is(text);
  }
}

/** A signed number. */
@final
export class IntAttribute extends Attribute {
  constructor(path: string) {
    super(dottedPath(path));
  }

  i64(absent: i64 = 0): i64 {
    return this.word(absent);
  }
}

/** A number without a sign. */
@final
export class UintAttribute extends Attribute {
  constructor(path: string) {
    super(dottedPath(path));
  }

  u64(absent: u64 = 0): u64 {
    return this.word(absent);
  }
}


@final
export class BoolAttribute extends Attribute {
  constructor(path: string) {
    super(dottedPath(path));
  }

  bool(absent: bool = false): bool {
    const value = this.bytes();
    return value === null || value.size != 1 ? absent : load<u8>(value.pointer) != 0;
  }
}

/** A length of time. */
@final
export class DurationAttribute extends Attribute {
  constructor(path: string) {
    super(dottedPath(path));
  }

  nanoseconds(absent: i64 = 0): i64 {
    return this.word(absent);
  }
}

/** A point in time. */
@final
export class TimestampAttribute extends Attribute {
  constructor(path: string) {
    super(dottedPath(path));
  }

  /** Nanoseconds since 1970-01-01. */
  nanoseconds(absent: i64 = 0): i64 {
    return this.word(absent);
  }
}

/** A map of texts, such as headers. */
@final
export class MapAttribute extends Attribute {
  constructor(path: string) {
    super(dottedPath(path));
  }

  /** The whole map. */
  pairs(): Pairs | null {
    const value = this.bytes();
    return value === null ? null : Pairs.of(value);
  }

  /**
   * The value of one key, to be made once. Of headers it has every value joined by commas, where `getHeader` gives only the
   * first: `attributes.request.headers.at("x-forwarded-for")`. Names of headers are in lower case.
   */
  at(key: string): StringAttribute {
    const value = new StringAttribute("");
    value.path = childPath(this.path, key);
    return value;
  }
}

/** A protobuf message. */
@final
export class MessageAttribute extends Attribute {
  constructor(path: string) {
    super(dottedPath(path));
  }

  /** The whole message, which the host encodes for it. */
  message(): ProtobufReader | null {
    const value = this.bytes();
    return value === null ? null : ProtobufReader.of(value);
  }

  /** A field of the message by its name, to be made once; the path may go on with `child`. */
  field(name: string): Property {
    return Property.at(childPath(this.path, name));
  }
}

/** Metadata: values by namespace and key (`envoy.config.core.v3.Metadata`). */
@final
export class MetadataAttribute extends Attribute {
  constructor(path: string) {
    super(dottedPath(path));
  }

  /**
   * One value, to be made once: `attributes.metadata.value("envoy.lb", "canary").bool()`. Numbers are doubles (`f64`), but Envoy takes a
   * fraction in a configuration file in YAML for a string; an object
   * reads as `pairs`, whose values are in the host's form too; a list likewise, with its items as keys. Null reads as absent,
   * and so does an object or list that has a null anywhere in it.
   */
  value(namespace: string, key: string): Property {
    return Property.at(childPath(childPath(childPath(this.path, "filter_metadata"), namespace), key));
  }
}
