import { Ledger } from "./ledger.ts";
import { RecentTimes } from "./recent-times.ts";
import type { Resource } from "./resource.ts";
import { Subscription } from "./subscription.ts";
import { TypeUrl } from "./type-url.ts";

/** The state of one type on one stream. */
export class TypeState {
  readonly typeUrl: string;
  readonly subscription = new Subscription();
  readonly ledger: Ledger;
  /** Whether the client has asked for this type. */
  requested = false;
  /** Whether the client said on its first request that it has resources of this type. */
  resumed = false;
  /** Whether the client was sent a response, or is known to need none: no first answer is due. */
  answered = false;
  /** State of the world: `version_info` of the first request, until it was compared with the snapshot. */
  reportedVersion = "";
  /** State of the world: `version_info` of the last response that the client accepted, here or on an earlier stream. */
  acceptedVersion: string | undefined;
  lastNonce = "";
  /** When the last response was made. */
  sentAt = 0;
  /** When the first response was made that the client has yet to answer, also one that was given up. */
  unansweredSince: number | undefined;
  /** When the client last accepted a response on this stream. */
  ackedAt: number | undefined;
  /** When the client accepted what it last accepted of each name. */
  readonly accepted = new RecentTimes();
  /** The form in which the only resource in flight was sent, if it may have several. */
  form: Resource | undefined;
  /** When what the client holds needs a heartbeat; `undefined`: as soon as it holds something that does. */
  heartbeatAt: number | undefined;
  /** Since when a change has been waiting for other types. */
  waitingSince: number | undefined;

  constructor(typeUrl: string) {
    this.typeUrl = typeUrl;
    // Of filters, Envoy shows what it was sent last, refused or not. Of other types it shows both.
    this.ledger = new Ledger(typeUrl === TypeUrl.extensionConfig);
  }
}
