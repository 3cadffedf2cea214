// What a configuration says of values of a request.

import { ConfigObject } from "proxy-wasm-assemblyscript-sdk";
import { refuseEmpty } from "../lists";
import { headerName, plainName } from "../names";
import { readAddress } from "./address-value";
import { ConstantValue, CookieValue, DigestValue, HeaderValue, HostValue, QueryValue } from "./message-values";
import { readPath } from "./path-value";
import { PropertyValue, readMetadata, readProperty } from "./property-value";
import { RequestValue } from "./request-value";

enum Source {
  Header,
  Cookie,
  Query,
  Path,
  Method,
  Host,
  ClientAddress,
  Principal,
  Claim,
  ApiKey,
  RouteName,
  ClusterName,
  Metadata,
  RouteMetadata,
  ClusterMetadata,
  Property,
  Constant,
}

/** The fields that stand for the sources, in their order. */
const SOURCES: string[] = [
  "header",
  "cookie",
  "query",
  "path",
  "method",
  "host",
  "clientAddress",
  "principal",
  "claim",
  "apiKey",
  "routeName",
  "clusterName",
  "metadata",
  "routeMetadata",
  "clusterMetadata",
  "property",
  "constant",
];

/** Where an API key can be. */
const KEY_SOURCES: string[] = ["header", "query", "cookie"];

/** Reads `{ "header": "x-api-key" }` and the like: an object with one of the fields. */
export function readValue(object: ConfigObject): RequestValue {
  const source = object.alternative(SOURCES);
  if (source < 0) return new ConstantValue("");
  const field = SOURCES[source];
  switch (source) {
    case Source.Header:
      return new HeaderValue(headerName(object, field));
    case Source.Cookie:
      return new CookieValue(object.string(field));
    case Source.Query:
      return new QueryValue(object.string(field));
    case Source.Path:
      return readPath(object.object(field));
    case Source.ClientAddress:
      return readAddress(object.object(field));
    case Source.Claim:
      // What authz leaves of a token, by the `state` of its `claimToState`.
      return new PropertyValue([`authz.claim.${plainName(object, field)}`]);
    case Source.ApiKey:
      return readApiKey(object.object(field));
    case Source.Metadata:
      return readMetadata(object, field, ["metadata"]);
    case Source.RouteMetadata:
      return readMetadata(object, field, ["xds", "route_metadata"]);
    case Source.ClusterMetadata:
      return readMetadata(object, field, ["xds", "cluster_metadata"]);
    case Source.Property:
      return readProperty(object, field);
    case Source.Constant:
      return new ConstantValue(object.string(field));
    default:
      // An object without fields so far; the names of unknown ones are reported.
      object.object(field);
      return simpleValue(source);
  }
}

/** Reads an array of such objects; empty when the field is left out. */
export function readValues(object: ConfigObject, field: string): RequestValue[] {
  const items = object.objects(field);
  refuseEmpty(object, field, items.length);
  const values: RequestValue[] = [];
  for (let i = 0; i < items.length; ++i) values.push(readValue(items[i]));
  return values;
}

function simpleValue(source: i32): RequestValue {
  switch (source) {
    case Source.Method:
      return new HeaderValue(":method");
    case Source.Host:
      return new HostValue();
    case Source.Principal:
      // What authz leaves of the caller.
      return new PropertyValue(["authz.principal"]);
    case Source.RouteName:
      return new PropertyValue(["xds", "route_name"], true);
    default:
      return new PropertyValue(["xds", "cluster_name"], true);
  }
}

function readApiKey(object: ConfigObject): RequestValue {
  const source = object.alternative(KEY_SOURCES);
  if (source < 0) return new ConstantValue("");
  const field = KEY_SOURCES[source];
  if (source == 0) return new DigestValue(new HeaderValue(headerName(object, field)));
  const name = object.string(field);
  return new DigestValue(source == 1 ? new QueryValue(name) : new CookieValue(name));
}
