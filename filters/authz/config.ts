// The configuration of the filter; README.md describes the fields.

import { Bytes, Config, ConfigObject, HeaderName, canVerifySignatures } from "proxy-wasm-assemblyscript-sdk";
import { ownHeaderName } from "../common/names";
import { ApiKeys } from "./authentication/api-keys";
import { BasicUsers } from "./authentication/basic-users";
import { JwtProvider } from "./authentication/jwt-provider";
import { WaitingRoom } from "./authentication/waiting-room";
import { Rule } from "./authorization/rule";
import { Rules } from "./authorization/rules";
import { Authorizer } from "./external/authorizer";
import { Operating } from "./answer/operating";
import { isQuotable } from "./text";

const MAX_CACHED_TOKENS: i64 = 65_536;
const MAX_TRUSTED_HOPS: i64 = 32;
const DEFAULT_CACHED_TOKENS: i64 = 1024;
const DEFAULT_REALM: string = "envoy";

/** A configuration that is good. */
@final
export class AuthzConfig {
  apiKeys: ApiKeys | null = null;
  basic: BasicUsers | null = null;
  providers: JwtProvider[] = [];
  /** Requests that wait for the keys of a provider. */
  waitingRoom: WaitingRoom = new WaitingRoom();
  authorizers: Authorizer[] = [];
  /** The header that tells the upstream who calls; null for none. */
  principalHeader: HeaderName | null = null;
  /** Names of all headers that the filter sets: nobody else's copy of them passes. */
  ownHeaders: string[] = [];
  realm: string = "";
  /** Whether a request may have a token of each of several providers. */
  severalTokens: bool = false;
  tokenCacheSize: i32 = 0;
  /** How many proxies on the right of `x-forwarded-for` are trusted. */
  trustedHops: i32 = 0;
  /** The filter state that has the address of the connection's other end; empty to take what Envoy has for it. */
  peerAddressState: string = "";
  operating: Operating = new Operating();

  constructor(readonly rules: Rules) {}

  /** Null when the configuration is not good; the log then says why. */
  static read(configuration: Bytes): AuthzConfig | null {
    const config = new Config(configuration);
    const root = config.root;
    const apiKeys = root.objectOrNull("apiKeys");
    const result = new AuthzConfig(new Rules(root));
    if (apiKeys !== null) result.apiKeys = new ApiKeys(apiKeys);
    const basic = root.objectOrNull("basic");
    if (basic !== null) result.basic = new BasicUsers(basic);
    result.readProviders(config, root.objects("jwtProviders"));
    result.severalTokens = root.boolOr("severalTokens", false);
    if (root.has("principalHeader")) {
      result.principalHeader = new HeaderName(ownHeaderName(root, "principalHeader"));
    }
    result.readAuthorizers(root.objects("externalAuthorizers"));
    result.trustedHops = <i32>root.integerOr("trustedHops", 0, MAX_TRUSTED_HOPS, 0);
    if (root.has("peerAddressState")) {
      result.peerAddressState = root.string("peerAddressState");
      if (result.peerAddressState.length == 0) root.error("peerAddressState", "the key of a filter state");
    }
    result.checkRules(config);
    result.realm = root.stringOr("realm", DEFAULT_REALM);
    if (!isQuotable(result.realm)) root.error("realm", 'printable ASCII without " and \\');
    result.tokenCacheSize = <i32>root.integerOr("tokenCacheSize", 0, MAX_CACHED_TOKENS, DEFAULT_CACHED_TOKENS);
    result.operating.read(root);
    result.checkHeaders(config);
    return config.accept() ? result : null;
  }

  /** The configuration begins to count. To be called in a root context. */
  start(): void {
    for (let i = 0; i < this.providers.length; ++i) this.providers[i].keys.start(this.waitingRoom);
  }

  /** Another one counts from now on, or none. */
  stop(): void {
    for (let i = 0; i < this.providers.length; ++i) this.providers[i].keys.stop();
  }

  private readProviders(config: Config, objects: ConfigObject[]): void {
    const names: string[] = [];
    const issuers: string[] = [];
    let needsHost = false;
    for (let i = 0; i < objects.length; ++i) {
      const provider = new JwtProvider(config, objects[i], i);
      if (names.includes(provider.name)) objects[i].error("name", "a name that no provider before has");
      if (issuers.includes(provider.issuer)) objects[i].error("issuer", "an issuer that no provider before has");
      names.push(provider.name);
      issuers.push(provider.issuer);
      this.providers.push(provider);
      needsHost = needsHost || provider.keys.needsHost;
    }
    if (needsHost && !canVerifySignatures()) {
      config.error("jwtProviders", "RS* and ES* need the foreign function verify_signature, which this host lacks");
    }
  }

  private readAuthorizers(objects: ConfigObject[]): void {
    for (let i = 0; i < objects.length; ++i) {
      const authorizer = new Authorizer(objects[i]);
      if (this.authorizer(authorizer.name) !== null) objects[i].error("name", "a name that no authorizer before has");
      this.authorizers.push(authorizer);
    }
  }

  /** Null for a name that none has. */
  authorizer(name: string): Authorizer | null {
    for (let i = 0; i < this.authorizers.length; ++i) {
      if (this.authorizers[i].name == name) return this.authorizers[i];
    }
    return null;
  }

  private checkRules(config: Config): void {
    const rules = this.rules.all;
    for (let i = 0; i < rules.length; ++i) {
      const rule = rules[i];
      if (rule.authorizer.length && this.authorizer(rule.authorizer) === null) {
        config.error(`rules[${i}].authorizer`, "expected the name of one of externalAuthorizers");
      }
      this.checkPrincipals(config, `rules[${i}].principals`, rule);
      for (let j = 0; j < rule.claimProviders.length; ++j) {
        if (this.hasProvider(rule.claimProviders[j])) continue;
        config.error(`rules[${i}].claims`, `expected names of jwtProviders; "${rule.claimProviders[j]}" is none`);
      }
    }
  }

  /** A rule for somebody whom the filter cannot know is a mistake, and in a `deny` rule a hole. */
  private checkPrincipals(config: Config, path: string, rule: Rule): void {
    const apiKeys = this.apiKeys;
    for (let i = 0; i < rule.principals.length; ++i) {
      const principal = rule.principals[i];
      if (principal.apiKey.length && (apiKeys === null || !apiKeys.has(principal.apiKey))) {
        config.error(path, `expected names of API keys in apiKeys.keys; "${principal.apiKey}" is none`);
      }
      const basic = this.basic;
      if (principal.user.length && (basic === null || !basic.has(principal.user))) {
        config.error(path, `expected names of users in basic.users; "${principal.user}" is none`);
      }
      if (principal.issuer.length && !this.hasIssuer(principal.issuer)) {
        config.error(path, `expected issuers in jwtProviders; "${principal.issuer}" is none`);
      }
      if (principal.provider.length && !this.hasProvider(principal.provider)) {
        config.error(path, `expected names of jwtProviders; "${principal.provider}" is none`);
      }
    }
  }

  private hasProvider(name: string): bool {
    for (let i = 0; i < this.providers.length; ++i) {
      if (this.providers[i].name == name) return true;
    }
    return false;
  }

  private hasIssuer(issuer: string): bool {
    for (let i = 0; i < this.providers.length; ++i) {
      if (this.providers[i].issuer == issuer) return true;
    }
    return false;
  }

  /** One kind of credential in one place, and what the filter writes must not be what it, or a rule, reads. */
  private checkHeaders(config: Config): void {
    const places: string[] = [];
    const credentials: string[] = [];
    const own: string[] = [];
    const states: string[] = [];
    for (let i = 0; i < this.providers.length; ++i) {
      const provider = this.providers[i];
      for (let j = 0; j < provider.locations.length; ++j) {
        if (this.basic !== null && provider.locations[j].overlaps(this.basic!.location)) {
          config.error(`jwtProviders[${i}].fromHeaders`, `"authorization" is where basic looks for passwords`);
        }
        places.push(provider.locations[j].place);
        credentials.push(provider.locations[j].headerName);
      }
      // Of tokens that are never together, two may set one header.
      if (!this.severalTokens) own.length = states.length = 0;
      provider.outputs.check(config, own, states);
      for (let j = 0; j < own.length; ++j) if (!this.ownHeaders.includes(own[j])) this.ownHeaders.push(own[j]);
    }
    const apiKeys = this.apiKeys;
    for (let i = 0, count = apiKeys === null ? 0 : apiKeys.locations.length; i < count; ++i) {
      const location = apiKeys!.locations[i];
      if (places.includes(location.place)) {
        config.error("apiKeys", `"${location.place}" is where a provider of jwtProviders looks for tokens`);
      }
      if (this.basic !== null && location.overlaps(this.basic!.location)) {
        config.error("apiKeys.header", `"authorization" is where basic looks for passwords`);
      }
      credentials.push(location.headerName);
    }
    const basic = this.basic;
    if (basic !== null) credentials.push(basic.location.headerName);
    const principal = this.principalHeader;
    if (principal !== null) {
      if (this.ownHeaders.includes(principal.name)) {
        config.error("principalHeader", `"${principal.name}" is set by a claim already`);
      }
      this.ownHeaders.push(principal.name);
    }
    for (let i = 0; i < this.ownHeaders.length; ++i) {
      const name = this.ownHeaders[i];
      if (name.length && credentials.includes(name))
        config.error("jwtProviders", `"${name}" holds a credential and cannot be set`);
    }
    for (let i = 0; i < this.rules.all.length; ++i) {
      const headers = this.rules.all[i].headers;
      for (let j = 0; j < headers.length; ++j) {
        if (!this.ownHeaders.includes(headers[j].name)) continue;
        const path = `rules[${i}].headers[${j}].name`;
        config.error(path, `"${headers[j].name}" is set by this filter, so what a client sends in it means nothing`);
      }
    }
  }
}
