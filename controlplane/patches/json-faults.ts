import type { DescMessage, JsonValue, Registry } from "@bufbuild/protobuf";
import type { Path } from "../model/index.ts";
import { describe } from "../model/schema-faults.ts";
import { didYouMean } from "../model/suggest.ts";
import { fieldOf, shapeOfField, shapeOfMessage } from "./shape.ts";
import type { Shape } from "./shape.ts";

/** A place at which JSON is not of the message that it should be. */
export interface MessageFault {
  readonly path: Path;
  readonly at: "key" | "value";
  /** What was found and what is allowed. */
  readonly message: string;
}

/** Finds the fields that a message does not have, and the values of a wrong type. */
export function jsonFaults(shape: Shape, value: unknown, registry: Registry, path: Path = []): MessageFault[] {
  const wrong = (expected: string): MessageFault[] => [
    { path, at: "value", message: `expected ${expected}, found ${describe(value)}` },
  ];
  switch (shape.kind) {
    case "free":
      return [];
    case "leaf":
      return canBeRead(() => shape.read(value as JsonValue)) && value !== null ? [] : wrong(shape.expected(value));
    case "list":
      if (!Array.isArray(value)) return wrong("a list");
      return value.flatMap((item, index) => jsonFaults(shape.of, item, registry, [...path, index]));
    case "map":
      if (!isObject(value)) return wrong("a map");
      return Object.entries(value).flatMap(([key, item]) =>
        key === "__proto__"
          ? [{ path: [...path, key], at: "key" as const, message: "expected another name" }]
          : jsonFaults(shape.of, item, registry, [...path, key]),
      );
    case "any":
      return isObject(value) ? anyFaults(value, registry, path) : wrong("a message with @type");
    case "message":
      return isObject(value) ? fieldFaults(shape.desc, value, registry, path) : wrong(`a ${shape.desc.typeName}`);
  }
}

/** The type of a message with `@type`. */
export function typeOfAny(value: JsonValue | undefined, registry: Registry): DescMessage | undefined {
  const url = isObject(value) ? value["@type"] : undefined;
  return typeof url === "string" ? registry.getMessage(url.slice(url.lastIndexOf("/") + 1)) : undefined;
}

function anyFaults(value: Record<string, unknown>, registry: Registry, path: Path): MessageFault[] {
  const { "@type": url, ...fields } = value;
  if (typeof url !== "string") {
    const message = "required field is missing; expected such as type.googleapis.com/envoy.config.cluster.v3.Cluster";
    return [{ path: [...path, "@type"], at: "key", message }];
  }
  const desc = typeOfAny(value as Record<string, JsonValue>, registry);
  if (desc === undefined || !url.includes("/")) {
    const name = url.slice(url.lastIndexOf("/") + 1);
    const hint = desc === undefined ? didYouMean(name, namesLike(name, registry)) : `; expected ${googleapis}${name}`;
    return [{ path: [...path, "@type"], at: "value", message: `there is no message type ${url}${hint}` }];
  }
  const shape = shapeOfMessage(desc);
  if (shape.kind === "message") return fieldFaults(desc, fields, registry, path);
  return jsonFaults(shape, fields["value"], registry, [...path, "value"]);
}

const googleapis = "type.googleapis.com/";

/** Names in the same package or with the same last part: suggestions need not be looked for among thousands. */
function namesLike(name: string, registry: Registry): string[] {
  const last = name.slice(name.lastIndexOf(".") + 1);
  const inPackage = name.slice(0, name.lastIndexOf(".") + 1);
  return [...registry]
    .filter(({ kind }) => kind === "message")
    .map(({ typeName }) => typeName)
    .filter((typeName) => typeName.endsWith(`.${last}`) || typeName.startsWith(inPackage));
}

function fieldFaults(
  desc: DescMessage,
  value: Record<string, unknown>,
  registry: Registry,
  path: Path,
): MessageFault[] {
  const owners = new Map<string, string>();
  return Object.entries(value).flatMap(([key, part]) => {
    const at = [...path, key];
    const field = fieldOf(desc, key);
    if (field === undefined) {
      const names = desc.fields.map(({ name }) => name);
      const allowed = `${names.slice(0, 15).join(", ")}${names.length > 15 ? ", ..." : ""}`;
      const message = `unknown field of ${desc.typeName}${didYouMean(key, [...names, ...desc.fields.map(({ jsonName }) => jsonName)])}; allowed here: ${allowed}`;
      return [{ path: at, at: "key", message }];
    }
    // As in all JSON of protobuf, and where it is merged it takes the field away.
    if (part === null) return [];
    const claimed = field.oneof === undefined ? field.name : `oneof ${field.oneof.name}`;
    const owner = owners.get(claimed);
    if (owner !== undefined) return [{ path: at, at: "key", message: `not together with ${owner}` }];
    owners.set(claimed, key);
    return jsonFaults(shapeOfField(field), part, registry, at);
  });
}

function canBeRead(read: () => void): boolean {
  try {
    read();
    return true;
  } catch {
    return false;
  }
}

export function isObject(value: unknown): value is Record<string, JsonValue> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
