// When keys are fetched: at the start, ahead of their time, when a token names another key, and again after a failure.

import {
  Bytes,
  CalloutFailure,
  Counter,
  Duration,
  HttpCall,
  HttpCallReply,
  HttpCallResponse,
  Status,
  Timer,
  encodeHex,
  logWarn,
  monotonicTimeNanoseconds,
  randomF64,
  sha256,
} from "proxy-wasm-assemblyscript-sdk";
import { WaitingRoom } from "../waiting-room";
import { FetchTurn } from "./fetch-turn";
import { secondsLeft } from "./freshness";
import { RemoteKeys } from "./remote-keys";
import { RemoteSettings } from "./remote-settings";
import { SharedJwks } from "./shared-jwks";

// @ts-ignore: decorator
@inline const MILLISECOND: i64 = 1_000_000;
/** How often a worker looks for what another has fetched. */
// @ts-ignore: decorator
@inline const IDLE: i64 = 1000 * MILLISECOND;
/** And while requests may wait for it. */
// @ts-ignore: decorator
@inline const EAGER: i64 = 50 * MILLISECOND;
/** What a worker has beyond its timeout to store an answer. */
// @ts-ignore: decorator
@inline const GRACE: i64 = 1000 * MILLISECOND;
// @ts-ignore: decorator
@inline const FIRST_BACKOFF: i64 = 250 * MILLISECOND;
// @ts-ignore: decorator
@inline const LAST_BACKOFF: i64 = 60_000 * MILLISECOND;

/** What became of a question for newer keys. */
export enum Ask {
  /** There are none, and it is too early to fetch again. */
  No,
  /** They are being fetched. */
  Wait,
  /** Another worker has fetched them; they are there. */
  Changed,
}

/** Keeps the keys of one provider new, in one worker. */
@final
export class KeyRefresher extends Timer {
  private turn: FetchTurn;
  private shared: SharedJwks;
  private call: HttpCall;
  private fetched: Counter;
  private failed: Counter;
  /** When the keys that are in use were fetched; 0 for none. */
  private version: i64 = 0;
  private expiresAt: i64 = 0;
  /** A token asks for newer keys. */
  private isAsked: bool = false;
  /** Requests wait for the end of a fetch, by whomever. */
  private isAwaited: bool = false;
  private isEnded: bool = false;

  /** To be called in a root context, which then fetches. */
  constructor(
    private keys: RemoteKeys,
    private settings: RemoteSettings,
    private room: WaitingRoom,
  ) {
    super();
    const digest = encodeHex(sha256(Bytes.utf8(keys.identity)));
    this.turn = new FetchTurn(`authz.jwks.${digest}.turn`);
    this.shared = new SharedJwks(`authz.jwks.${digest}.set`);
    this.call = new HttpCall(settings.cluster)
      .path(settings.path)
      .authority(settings.authority)
      .scheme(settings.scheme)
      .header("accept", "application/jwk-set+json, application/json")
      .timeout(Duration.milliseconds(settings.timeout));
    this.fetched = new Counter(`authz.jwks.${keys.name}.fetched`);
    this.failed = new Counter(`authz.jwks.${keys.name}.failed`);
    // Not at once: a VM that only tries a configuration has no business with an identity provider.
    this.startOnce(Duration.nanoseconds(MILLISECOND));
  }

  end(): void {
    this.isEnded = true;
    this.stop();
  }

  /** For a token whose key is not there. */
  ask(): Ask {
    const now = <i64>monotonicTimeNanoseconds();
    this.turn.read();
    if (this.turn.version != this.version) {
      this.load(now);
      return Ask.Changed;
    }
    const isComing = this.isAsked || this.turn.isFetching(now);
    if (!isComing && !this.turn.isAllowed(now, this.settings.minRefresh * MILLISECOND)) return Ask.No;
    this.isAwaited = true;
    if (!isComing) {
      this.isAsked = true;
      // The root context fetches, not the stream, which may end.
      this.hasten();
    }
    return Ask.Wait;
  }

  onTime(): void {
    const now = <i64>monotonicTimeNanoseconds();
    this.turn.read();
    if (this.turn.version != this.version) this.load(now);
    if (now >= this.expiresAt) this.keys.drop();
    const minAge: i64 = this.isAsked ? this.settings.minRefresh * MILLISECOND : -1;
    this.isAsked = false;
    if (this.turn.isDue(now) || minAge >= 0) {
      const until = now + this.settings.timeout * MILLISECOND + GRACE;
      if (this.turn.begin(now, until, minAge)) this.fetch();
    }
    if (this.isAwaited && !this.turn.isFetching(now)) {
      this.isAwaited = false;
      this.room.wake();
    }
    this.startOnce(Duration.nanoseconds(this.isAwaited || this.keys.isEmpty ? EAGER : IDLE));
  }

  onResponse(response: HttpCallResponse): void {
    if (this.isEnded) return;
    if (response.status != 200) return this.fail(`status ${response.status}`);
    const text = response.body.read();
    if (text === null) return this.fail("no body");
    const set = this.keys.parse(text);
    if (set.error.length) return this.fail(set.error);

    const now = <i64>monotonicTimeNanoseconds();
    const lifetime = this.lifetime(response);
    this.expiresAt = now + lifetime + this.settings.staleIfError * MILLISECOND;
    // The workers that take it from here look at `turn` first.
    const isShared = this.shared.write(now, this.expiresAt, text);
    // Ahead of time, and not when everybody else does.
    const next = now + <i64>(<f64>lifetime * (0.8 + 0.1 * randomF64()));
    if (isShared && this.turn.succeed(now, next)) this.version = now;
    this.fetched.increment();
    this.keys.install(set.keys, 0);
    this.room.wake();
  }

  fail(why: string): void {
    if (this.isEnded) return;
    this.failed.increment();
    let backoff = FIRST_BACKOFF;
    for (let i: i64 = 0; i < this.turn.failures && backoff < LAST_BACKOFF; ++i) backoff *= 2;
    backoff = <i64>(<f64>min(backoff, LAST_BACKOFF) * (0.5 + 0.5 * randomF64()));
    this.turn.fail(<i64>monotonicTimeNanoseconds() + backoff);
    const rest = this.keys.isEmpty ? "there are none" : "the last ones stay in use";
    logWarn(
      `provider "${this.keys.name}": keys from cluster "${this.settings.cluster}" could not be fetched: ${why}; ${rest}; ` +
        `next attempt in ${backoff / MILLISECOND} ms`,
    );
    this.hasten();
  }

  private fetch(): void {
    const status = this.call.send(new KeysReply(this));
    if (status == Status.BadArgument) this.fail("there is no such cluster");
    else if (status != Status.Ok) this.fail("the cluster has no healthy endpoint");
  }

  /** Takes keys that another worker has fetched. */
  private load(now: i64): void {
    this.version = this.turn.version;
    if (!this.shared.read() || now >= this.shared.expiresAt) return;
    const set = this.keys.parse(this.shared.text);
    if (set.error.length) return;
    // It may be newer than what `turn` tells of.
    this.expiresAt = this.shared.expiresAt;
    this.keys.install(set.keys, (now - this.shared.fetchedAt) / (1000 * MILLISECOND));
    this.room.wake();
  }

  /** How long the keys of an answer are good, in nanoseconds. */
  private lifetime(response: HttpCallResponse): i64 {
    const longest = this.settings.refresh;
    const seconds = secondsLeft(response.headers);
    const milliseconds = seconds < 0 ? longest : max<i64>(min<i64>(seconds * 1000, longest), this.settings.minRefresh);
    return milliseconds * MILLISECOND;
  }
}


@final
class KeysReply extends HttpCallReply {
  constructor(private refresher: KeyRefresher) {
    super();
  }

  onResponse(response: HttpCallResponse): void {
    this.refresher.onResponse(response);
  }

  onFailure(failure: CalloutFailure): void {
    this.refresher.fail("the answer broke off");
  }
}
