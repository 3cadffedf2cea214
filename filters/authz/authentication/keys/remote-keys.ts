import { Bytes, Gauge, currentTimeSeconds, logError, logInfo } from "proxy-wasm-assemblyscript-sdk";
import { Reason } from "../../reason";
import { Jws } from "../jws";
import { WaitingRoom } from "../waiting-room";
import { Algorithm, isSymmetric } from "./algorithm";
import { FetchedJwks } from "./fetched-jwks";
import { Key } from "./key";
import { Ask, KeyRefresher } from "./key-refresher";
import { KeySet } from "./key-set";
import { RemoteSettings } from "./remote-settings";

/** Keys that are fetched. Until the first are there, and when the last are too old, tokens cannot be judged. */
@final
export class RemoteKeys extends KeySet {
  private refresher: KeyRefresher | null = null;
  private count: Gauge | null = null;
  private updated: Gauge | null = null;

  constructor(
    /** The provider's. */
    readonly name: string,
    private settings: RemoteSettings,
    algorithms: Algorithm[],
  ) {
    super(algorithms.length ? algorithms : publicKeyAlgorithms());
  }

  start(room: WaitingRoom): void {
    const prefix = `authz.jwks.${this.name}`;
    this.count = new Gauge(`${prefix}.keys`);
    this.updated = new Gauge(`${prefix}.updated`);
    this.refresher = new KeyRefresher(this, this.settings, room);
  }

  stop(): void {
    const refresher = this.refresher;
    if (refresher !== null) refresher.end();
    this.refresher = null;
  }

  get isEmpty(): bool {
    return this.keys.length == 0;
  }

  /** Equal for sets of which one worker may fetch what all use. */
  get identity(): string {
    return `${this.settings.identity}\n${this.algorithms.join(" ")}`;
  }

  /** Reads a text that was fetched. */
  parse(text: Bytes): FetchedJwks {
    return new FetchedJwks(text, this.algorithms, `provider "${this.name}"`);
  }

  /**
   * Takes keys in place of those it has. What keys verified that are no longer there counts no more.
   * @param age How long ago they were fetched, in seconds.
   */
  install(fresh: Key[], age: i64): void {
    let added = 0;
    const old = this.keys;
    for (let i = 0; i < fresh.length; ++i) {
      const known = find(old, fresh[i]);
      if (known === null) ++added;
      else fresh[i] = known;
    }
    let gone = 0;
    for (let i = 0; i < old.length; ++i) {
      if (fresh.includes(old[i])) continue;
      old[i].isRetired = true;
      ++gone;
    }
    this.keys = fresh;
    if (added || gone) logInfo(`provider "${this.name}": ${fresh.length} keys, ${added} new, ${gone} gone`);
    this.show(<i64>currentTimeSeconds() - age);
  }

  /** Lets go of keys that are too old. */
  drop(): void {
    if (this.isEmpty) return;
    for (let i = 0; i < this.keys.length; ++i) this.keys[i].isRetired = true;
    this.keys = [];
    logError(`provider "${this.name}": the keys are too old to be used, and no others could be fetched`);
    this.show(-1);
  }

  protected tryKeys(jws: Jws): Reason {
    const refresher = this.refresher;
    if (refresher === null || this.isEmpty) return Reason.KeysUnavailable;
    const reason = super.tryKeys(jws);
    if (reason != Reason.TokenUnknownKey) return reason;
    // It may be a new key.
    switch (refresher.ask()) {
      case Ask.Wait:
        return Reason.KeysUnavailable;
      case Ask.Changed:
        return this.isEmpty ? Reason.KeysUnavailable : super.tryKeys(jws);
      default:
        return reason;
    }
  }

  /** @param at When they were fetched, in seconds since 1970; negative to leave that. */
  private show(at: i64): void {
    const count = this.count;
    const updated = this.updated;
    if (count !== null) count.set(this.keys.length);
    if (updated !== null && at >= 0) updated.set(at);
  }
}

function find(keys: Key[], key: Key): Key | null {
  for (let i = 0; i < keys.length; ++i) {
    if (keys[i].isSame(key)) return keys[i];
  }
  return null;
}

/** A secret that anybody can fetch is none, so HMAC must be asked for by name. */
function publicKeyAlgorithms(): Algorithm[] {
  const algorithms: Algorithm[] = [];
  for (let i: Algorithm = Algorithm.RS256; i < Algorithm.Unsupported; ++i) {
    if (!isSymmetric(i)) algorithms.push(i);
  }
  return algorithms;
}
