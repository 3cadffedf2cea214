import type { JwtProvider } from "./configuration.ts";
import type { Cursor } from "./cursor.ts";
import { stringTest } from "./envoy-strings.ts";
import { inlineJwks, tokenPrefix } from "./jwks.ts";
import { remoteJwks } from "./remote-jwks.ts";
import type { Names } from "./rules.ts";

const fields = ["issuer", "audiences", "subjects", "require_expiration", "max_lifetime", "remote_jwks", "local_jwks"];
fields.push("forward", "from_headers", "from_params", "from_cookies", "forward_payload_header", "payload_in_metadata");
fields.push("pad_forward_payload_header", "header_in_metadata", "failed_status_in_metadata", "clock_skew_seconds");
fields.push("normalize_payload_in_metadata", "jwt_cache_config", "claim_to_headers", "clear_route_cache");

/** The provider that a `JwtProvider` of jwt_authn describes; undefined where it cannot be one. */
export function providerOf(provider: Cursor, names: Names, name: string): JwtProvider | undefined {
  provider.only(...fields);
  for (const field of ["header_in_metadata", "failed_status_in_metadata"]) {
    provider.get(field)?.report("loss", "the filter writes no such metadata", "use claimToState, or the log");
  }
  provider
    .get("pad_forward_payload_header")
    ?.report("loss", "the payload is forwarded without padding", "decode base64url");
  provider.get("jwt_cache_config")?.report("note", "verified tokens are remembered anyway; see tokenCacheSize");
  const issuer = provider.text("issuer") ?? "";
  if (issuer === "") {
    provider.report(
      "loss",
      "a provider without issuer takes the tokens of everybody who has a key; it is left out",
      "name the issuer",
    );
    return undefined;
  }
  const keys = keysOf(provider);
  if (keys === undefined) return undefined;
  const matcher = provider.get("subjects");
  const subject =
    matcher &&
    stringTest(matcher, (message) => matcher.report("loss", `${message}; the provider is left out`, "name subjects"));
  if (matcher !== undefined && subject === undefined) return undefined;
  const audiences = provider.strings("audiences");
  if (audiences.some((audience) => /^https?:|\/$/.test(audience))) {
    provider
      .get("audiences")
      ?.report("note", "audiences are compared to the letter; Envoy ignores http(s):// and a slash at the end");
  }
  const payloadHeader = provider.text("forward_payload_header");
  const skew = provider.get("clock_skew_seconds")?.integer() ?? 0;
  const maxLifetime = provider.text("max_lifetime");
  const claimToHeaders = provider.items("claim_to_headers").map((item) => {
    item.only("header_name", "claim_name");
    return { claim: item.text("claim_name") ?? "", header: item.text("header_name") ?? "" };
  });
  if ((claimToHeaders.length > 0 || payloadHeader !== undefined) && !provider.flag("clear_route_cache")) {
    const field = claimToHeaders.length > 0 ? "claim_to_headers" : "forward_payload_header";
    provider
      .get(field)
      ?.report(
        "note",
        "Envoy chooses the route again once the headers are set; by jwt_authn, only with clear_route_cache",
      );
  }
  return {
    name: names.unique(name),
    issuer,
    ...(audiences.length > 0 ? { audiences } : {}),
    ...(subject === undefined ? {} : { subjects: [subject] }),
    ...keys,
    ...locations(provider),
    ...(provider.flag("forward") ? { forward: true } : {}),
    ...(payloadHeader === undefined ? {} : { payloadHeader }),
    // 0 is protobuf's word for a field that is left out.
    ...(skew > 0 ? { clockSkew: `${skew}s` } : {}),
    requireExpiration: provider.flag("require_expiration"),
    ...(maxLifetime === undefined ? {} : { maxLifetime }),
    ...(claimToHeaders.length > 0 ? { claimToHeaders } : {}),
    ...(provider.flag("clear_route_cache") ? { clearRouteCache: true } : {}),
  };
}

function keysOf(provider: Cursor): Pick<JwtProvider, "localJwks" | "remoteJwks"> | undefined {
  const [kind, field] = provider.oneOf("local_jwks", "remote_jwks") ?? [];
  if (field === undefined) {
    provider.report("error", "expected local_jwks or remote_jwks");
    return undefined;
  }
  if (kind === "remote_jwks") return remoteKeys(field);
  field.only("filename", "inline_bytes", "inline_string", "environment_variable", "watched_directory");
  const [source, data] = field.oneOf("inline_string", "inline_bytes", "filename", "environment_variable") ?? [];
  if (data === undefined || source === "filename" || source === "environment_variable") {
    field.report(
      "loss",
      "a file or variable of Envoy's machine cannot be read by the filter; the provider is left out",
      "write the keys inline",
    );
    return undefined;
  }
  const text = source === "inline_bytes" ? Buffer.from(data.string(), "base64").toString() : data.string();
  const keys = inlineJwks(data, text);
  return keys && { localJwks: keys };
}

function remoteKeys(remote: Cursor): Pick<JwtProvider, "remoteJwks"> | undefined {
  remote.only("http_uri", "cache_duration", "async_fetch", "retry_policy");
  const uri = remote.get("http_uri")?.only("uri", "cluster", "timeout");
  const url = URL.canParse(uri?.text("uri") ?? "") ? new URL(uri?.text("uri") ?? "") : undefined;
  const cluster = uri?.text("cluster");
  if (url === undefined || cluster === undefined) {
    remote.report("error", "expected http_uri with uri and cluster");
    return undefined;
  }
  remote.get("retry_policy")?.report("note", "the filter has its own way of trying again");
  return { remoteJwks: remoteJwks(cluster, url, uri?.get("timeout"), remote.get("cache_duration")) };
}

function locations(provider: Cursor): Pick<JwtProvider, "fromHeaders" | "fromParams" | "fromCookies"> {
  const [headers, query, cookies] = [
    provider.items("from_headers"),
    provider.strings("from_params"),
    provider.strings("from_cookies"),
  ];
  if (headers.length + query.length + cookies.length === 0) {
    return { fromHeaders: [{ name: "authorization", prefix: "Bearer " }], fromParams: ["access_token"] };
  }
  const fromHeaders = headers.flatMap((item) => {
    item.only("name", "value_prefix");
    const prefix = tokenPrefix(item.get("value_prefix"));
    return prefix === undefined ? [] : [{ name: item.text("name") ?? "", prefix }];
  });
  return {
    ...(fromHeaders.length > 0 ? { fromHeaders } : {}),
    ...(query.length > 0 ? { fromParams: query } : {}),
    ...(cookies.length > 0 ? { fromCookies: cookies } : {}),
  };
}
