// The configuration of the filter; README.md describes the fields.

import { Bytes, Config, ConfigObject, HeaderList, HeaderName } from "proxy-wasm-assemblyscript-sdk";
import { refuseEmpty } from "../common/lists";
import { ownHeaderName } from "../common/names";
import { MatchList } from "../common/match-list";
import { HEADERS, Headers } from "./answer/quota-headers";
import { ServiceConfig } from "./fleet/service-config";
import { LimitConfig, Scope } from "./limit-config";

const MAX_LIMITS: i32 = 1000;

const FORMATS: string[] = ["text", "json"];
const REFUSAL: string = "rate limited";

const GRPC_STATUSES: string[] = ["UNAVAILABLE", "RESOURCE_EXHAUSTED"];
const GRPC_CODES: i32[] = [14, 8];

/** The answer to a request that is refused. */
@final
export class ResponseConfig {
  status: u32 = 429;
  grpcStatus: i32 = GRPC_CODES[0];
  /** Text of the body. */
  body: string = REFUSAL;
  /** Whether it comes as problem details (RFC 9457). */
  json: bool = false;
  /** Headers beside those that tell of the limit. */
  headers: HeaderList = new HeaderList();

  static read(object: ConfigObject | null): ResponseConfig {
    const response = new ResponseConfig();
    if (object === null) return response;
    response.status = <u32>object.integerOr("status", 400, 599, 429);
    response.grpcStatus = GRPC_CODES[object.oneOfOr("grpcStatus", GRPC_STATUSES, 0)];
    response.body = object.stringOr("body", REFUSAL);
    response.json = object.oneOfOr("format", FORMATS, 0) == 1;
    const headers = object.objects("headers");
    refuseEmpty(object, "headers", headers.length);
    for (let i = 0; i < headers.length; ++i) {
      response.headers.add(ownHeaderName(headers[i], "name"), headerText(headers[i], "value"));
    }
    return response;
  }
}

/** A field that is the value of a header. */
function headerText(object: ConfigObject, field: string): string {
  const text = object.string(field);
  for (let i = 0; i < text.length; ++i) {
    const code = text.charCodeAt(i);
    if (code < 0x20 || code == 0x7f) {
      object.error(field, "a text without control characters");
      break;
    }
  }
  return text;
}

/** A configuration that was accepted. */
@final
export class RateLimitConfig {
  limits: LimitConfig[] = [];
  /** Limits that a service decides on, and the service; null for none. */
  serviceLimits: LimitConfig[] = [];
  service: ServiceConfig | null = null;
  /** Requests that no limit is for. */
  allow: MatchList = new MatchList([]);
  /** How responses tell what is left. */
  headers: Headers = Headers.XRateLimit;
  /** Request header that tells the upstream which shadow limits would have refused. */
  shadowHeader: HeaderName | null = null;
  response: ResponseConfig = new ResponseConfig();

  /** Null when the configuration is not good; the log then says why. */
  static read(configuration: Bytes): RateLimitConfig | null {
    const config = new Config(configuration);
    const root = config.root;
    const result = new RateLimitConfig();
    const limits = root.objects("limits");
    if (limits.length == 0 || limits.length > MAX_LIMITS) root.error("limits", `1 to ${MAX_LIMITS} limits`);
    const names = new Set<string>();
    for (let i = 0; i < limits.length; ++i) {
      const limit = LimitConfig.read(limits[i]);
      if (limit.name.length && names.has(limit.name)) limits[i].error("name", "a name that no limit before has");
      names.add(limit.name);
      if (limit.scope == Scope.Service) result.serviceLimits.push(limit);
      else result.limits.push(limit);
    }
    const service = root.objectOrNull("service");
    if (service !== null) result.service = ServiceConfig.read(service);
    else if (result.serviceLimits.length)
      root.error("service", 'an object, since there is a limit of the scope "service"');
    if (service !== null && !result.serviceLimits.length)
      root.error("service", 'nothing, unless there is a limit of the scope "service"');
    result.allow = MatchList.read(root, "allow");
    result.headers = root.oneOfOr("headers", HEADERS, Headers.XRateLimit);
    if (root.has("shadowHeader")) result.shadowHeader = new HeaderName(ownHeaderName(root, "shadowHeader"));
    result.response = ResponseConfig.read(root.objectOrNull("response"));
    return config.accept() ? result : null;
  }
}
