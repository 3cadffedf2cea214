import type { JwtProvider } from "./configuration.ts";
import type { Cursor } from "./cursor.ts";
import { inlineJwks, tokenPrefix } from "./jwks.ts";
import { remoteJwks } from "./remote-jwks.ts";
import type { Names } from "./rules.ts";

/** The provider that one of a RequestAuthentication's `jwtRules` describes; undefined where it cannot be one. */
export function providerOf(rule: Cursor, names: Names, name: string): JwtProvider | undefined {
  rule.only(
    "issuer",
    "audiences",
    "jwksUri",
    "jwks",
    "fromHeaders",
    "fromParams",
    "fromCookies",
    "outputPayloadToHeader",
    "forwardOriginalToken",
    "outputClaimToHeaders",
    "timeout",
    "spaceDelimitedClaims",
  );
  const issuer = rule.text("issuer");
  if (issuer === undefined || issuer === "") {
    rule.report("error", "expected an issuer");
    return undefined;
  }
  rule
    .get("spaceDelimitedClaims")
    ?.report("note", "`contains` of a claim looks at the words of every text, so no claim has to be named");
  const keys = keysOf(rule);
  if (keys === undefined) return undefined;
  const audiences = rule.strings("audiences");
  const payloadHeader = rule.text("outputPayloadToHeader");
  const claimToHeaders = rule.items("outputClaimToHeaders").map((item) => {
    item.only("header", "claim");
    return { claim: item.text("claim") ?? "", header: item.text("header") ?? "" };
  });
  return {
    name: names.unique(name),
    issuer,
    ...(audiences.length > 0 ? { audiences } : {}),
    ...keys,
    ...locations(rule),
    ...(rule.flag("forwardOriginalToken") ? { forward: true } : {}),
    ...(payloadHeader === undefined ? {} : { payloadHeader }),
    ...(claimToHeaders.length > 0 ? { claimToHeaders } : {}),
    // Istio takes a token without `exp`.
    requireExpiration: false,
  };
}

function keysOf(rule: Cursor): Pick<JwtProvider, "localJwks" | "remoteJwks"> | undefined {
  const [jwks, uri] = [rule.get("jwks"), rule.get("jwksUri")];
  if (jwks !== undefined) {
    const keys = inlineJwks(jwks, jwks.string());
    return keys && { localJwks: keys };
  }
  if (uri === undefined) {
    rule.report(
      "loss",
      "the keys are found by OpenID discovery, which the filter does not do; tokens of this issuer are refused",
      "give jwksUri or jwks",
    );
    return undefined;
  }
  const url = URL.canParse(uri.string()) ? new URL(uri.string()) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    uri.report("error", "expected the URL of a JWK set");
    return undefined;
  }
  const port = url.port === "" ? (url.protocol === "https:" ? "443" : "80") : url.port;
  const cluster = `outbound|${port}||${url.hostname}`;
  uri.report(
    "note",
    `Envoy fetches the keys itself, from its cluster ${JSON.stringify(cluster)}`,
    "have a ServiceEntry for it, or name another cluster in remoteJwks",
  );
  return { remoteJwks: remoteJwks(cluster, url, rule.get("timeout")) };
}

function locations(rule: Cursor): Pick<JwtProvider, "fromHeaders" | "fromParams" | "fromCookies"> {
  const [headers, query, cookies] = [
    rule.items("fromHeaders"),
    rule.strings("fromParams"),
    rule.strings("fromCookies"),
  ];
  if (headers.length + query.length + cookies.length === 0) {
    return { fromHeaders: [{ name: "authorization", prefix: "Bearer " }], fromParams: ["access_token"] };
  }
  const fromHeaders = headers.flatMap((item) => {
    item.only("name", "prefix");
    const prefix = tokenPrefix(item.get("prefix"));
    return prefix === undefined ? [] : [{ name: item.text("name") ?? "", prefix }];
  });
  return {
    ...(fromHeaders.length > 0 ? { fromHeaders } : {}),
    ...(query.length > 0 ? { fromParams: query } : {}),
    ...(cookies.length > 0 ? { fromCookies: cookies } : {}),
  };
}
