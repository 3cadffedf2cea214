import type { DescMessage, JsonValue, Registry } from "@bufbuild/protobuf";
import type { PatchTarget } from "../model/index.ts";
import { TypeUrl } from "../xds/index.ts";
import { isObject } from "./json-faults.ts";

/** A resource as JSON, whose fields have the names of the .proto files. */
export interface Document {
  readonly typeUrl: string;
  readonly name: string;
  readonly json: Record<string, JsonValue>;
}

/** A part of a document that patches are for. */
export interface Part {
  readonly desc: DescMessage;
  read(): Record<string, JsonValue>;
  write(value: Record<string, JsonValue>): void;
}

const typeUrls: Readonly<Record<PatchTarget["type"], string>> = {
  Listener: TypeUrl.listener,
  HTTPConnectionManager: TypeUrl.listener,
  HTTPFilter: TypeUrl.listener,
  RouteConfiguration: TypeUrl.route,
  VirtualHost: TypeUrl.route,
  Route: TypeUrl.route,
  Cluster: TypeUrl.cluster,
  Endpoints: TypeUrl.endpoint,
};

const managerType = "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager";

/** The type of the resources that a target has parts in. */
export function typeUrlOf({ type }: PatchTarget): string {
  return typeUrls[type];
}

/** Whether a target can have parts in a resource; said without reading the resource. */
export function mayHold(target: PatchTarget, { typeUrl, name }: Pick<Document, "typeUrl" | "name">): boolean {
  if (typeUrls[target.type] !== typeUrl) return false;
  const isInbound = name === "inbound" || name.startsWith("inbound|");
  if (target.direction !== undefined && (target.direction === "Inbound") !== isInbound) return false;
  switch (target.type) {
    case "Cluster":
    case "Endpoints":
      return (target.name ?? name) === name && (target.service === undefined || serviceOf(name) === target.service);
    case "Listener":
    case "RouteConfiguration":
      return (target.name ?? name) === name;
    default:
      return true;
  }
}

/** The parts of a document that a target chooses. */
export function partsOf(target: PatchTarget, document: Document, registry: Registry): Part[] {
  if (!mayHold(target, document)) return [];
  const { json } = document;
  const named = (part: Part): boolean => target.name === undefined || part.read()["name"] === target.name;
  switch (target.type) {
    case "Listener":
      return [whole(document, "envoy.config.listener.v3.Listener", registry)];
    case "Cluster":
      return [whole(document, "envoy.config.cluster.v3.Cluster", registry)];
    case "Endpoints":
      return [whole(document, "envoy.config.endpoint.v3.ClusterLoadAssignment", registry)];
    case "RouteConfiguration": {
      const isOfService = target.service === undefined || serviceOf(document.name) === target.service;
      return isOfService ? [whole(document, "envoy.config.route.v3.RouteConfiguration", registry)] : [];
    }
    case "HTTPConnectionManager":
      return connectionManagers(document, registry).filter(
        (part) =>
          target.name === undefined || document.name === target.name || part.read()["stat_prefix"] === target.name,
      );
    case "HTTPFilter":
      return connectionManagers(document, registry)
        .flatMap((manager) => items(manager.read(), "http_filters", `${managerPackage}.HttpFilter`, registry))
        .filter(named);
    case "VirtualHost":
      return virtualHosts(json, document, target, registry).filter(named);
    case "Route":
      return virtualHosts(json, document, target, registry)
        .flatMap((host) => items(host.read(), "routes", "envoy.config.route.v3.Route", registry))
        .filter(named);
  }
}

const managerPackage = managerType.slice(0, managerType.lastIndexOf("."));

/** The HTTP connection managers of a listener's filter chains. What is written is in the document at once. */
export function connectionManagers({ typeUrl, json }: Document, registry: Registry): Part[] {
  if (typeUrl !== TypeUrl.listener) return [];
  const chains = [...list(json["filter_chains"]), json["default_filter_chain"]];
  return chains.flatMap((chain) =>
    (isObject(chain) ? list(chain["filters"]) : []).flatMap((filter): Part[] => {
      const config = isObject(filter) ? filter["typed_config"] : undefined;
      if (!isObject(filter) || !isObject(config) || !text(config["@type"]).endsWith(`/${managerType}`)) return [];
      return [
        {
          desc: descOf(managerType, registry),
          read: () => filter["typed_config"] as Record<string, JsonValue>,
          write: (value) => void (filter["typed_config"] = { "@type": config["@type"] ?? "", ...value }),
        },
      ];
    }),
  );
}

/** The virtual hosts of a Service are those of its name and of its hostnames: `shop`, `shop|shop.example.com`. */
function virtualHosts(
  json: Record<string, JsonValue>,
  { name }: Document,
  { service }: PatchTarget,
  registry: Registry,
): Part[] {
  const hosts = items(json, "virtual_hosts", "envoy.config.route.v3.VirtualHost", registry);
  if (service === undefined || serviceOf(name) === service) return hosts;
  return hosts.filter((host) => text(host.read()["name"]).split("|")[0] === service && name === "outbound");
}

/** The Service of a name such as `outbound|shop|80`. */
function serviceOf(name: string): string | undefined {
  return name.split("|")[1];
}

function whole({ json }: Document, typeName: string, registry: Registry): Part {
  return {
    desc: descOf(typeName, registry),
    read: () => json,
    write: (value) => {
      for (const key of Object.keys(json)) Reflect.deleteProperty(json, key);
      Object.assign(json, value);
    },
  };
}

function items(holder: Record<string, JsonValue>, field: string, typeName: string, registry: Registry): Part[] {
  const all = list(holder[field]);
  return all.map((_, index) => ({
    desc: descOf(typeName, registry),
    read: () => all[index] as Record<string, JsonValue>,
    write: (value) => void (all[index] = value),
  }));
}

function text(value: JsonValue | undefined): string {
  return typeof value === "string" ? value : "";
}

function list(value: JsonValue | undefined): JsonValue[] {
  return Array.isArray(value) ? value : [];
}

function descOf(typeName: string, registry: Registry): DescMessage {
  const desc = registry.getMessage(typeName);
  if (desc === undefined) throw new Error(`Envoy's API has no ${typeName}`);
  return desc;
}
