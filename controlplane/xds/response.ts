import type { Held } from "./held.ts";
import type { Resource } from "./resource.ts";

/**
 * How resources are written:
 *
 * - `plain`: without their time to live, for a client that does not know what that is;
 * - `ttl`: with it;
 * - `heartbeat`: as their name, version and time to live, without a body.
 */
export type Form = "plain" | "ttl" | "heartbeat";

/** A response to send. */
export interface Send {
  readonly typeUrl: string;
  readonly version: string;
  readonly nonce: string;
  readonly resources: readonly Resource[];
  /** Names; always empty in the state-of-the-world variant. */
  readonly removed: readonly string[];
  readonly form: Form;
}

/** A response as a variant of the protocol words it. */
export interface Response extends Pick<Send, "version" | "resources" | "removed"> {
  /** What the client holds once it accepts. */
  readonly result: ReadonlyMap<string, Held>;
}

/** A response that keeps alive what the client holds. */
export interface Heartbeat extends Pick<Send, "version" | "resources"> {
  /** Whether a client would take a resource without a body for one that is gone, or for a wrong one. */
  readonly withBodies: boolean;
}
