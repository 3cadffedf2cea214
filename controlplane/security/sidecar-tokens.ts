import { createHash } from "node:crypto";

/**
 * The header of gRPC and HTTP by which a sidecar without a certificate says who it is: the token alone, without `Bearer`, as Envoy puts
 * nothing before a credential from a file.
 */
export const TOKEN_HEADER = "meshwright-token";

/** The pod that a token was made for. */
export interface PodIdentity {
  readonly kind: "pod";
  readonly namespace: string;
  readonly name: string;
  /** The node id of its sidecar. */
  readonly node: string;
  /** Its service account. */
  readonly account: string;
}

/** Finds out who a token names. */
export interface TokenReviewer {
  /** What a token must be for, so that one for another server, which may have leaked there, is none. */
  readonly audience: string;
  /**
   * The pod, or why the token is none.
   * @throws Error when that cannot be found out now.
   */
  review(token: string): Promise<PodIdentity | { readonly kind: "refused"; readonly reason: string }>;
}

/** Something that lasts, such as a stream, and was let in by a token. */
interface Use {
  end(reason: string): void;
}

interface Known {
  readonly token: string;
  readonly pod: PodIdentity;
  /** When the token ends. */
  readonly endsAt: number;
  reviewedAt: number;
  readonly uses: Set<Use>;
}

/** How long a review holds for new calls. A sidecar that connects makes several. */
const FRESH_MS = 60_000;
/** How often a token by which streams are open is reviewed again: that of a pod that is no more is good no more. */
const AGAIN_MS = 600_000;
/** Tokens of Kubernetes have about 1 KiB. */
const MAX_LENGTH = 8_192;
/** How many reviews run at a time, so that who makes tokens up takes the API from nobody. */
const MAX_REVIEWS = 50;

/** The tokens by which sidecars say who they are, as the cluster that made them reviews them. */
export class SidecarTokens {
  readonly #reviewer: TokenReviewer;
  readonly #now: () => number;
  readonly #known = new Map<string, Known>();
  readonly #reviews = new Map<string, Promise<PodIdentity | string>>();
  readonly #timer: NodeJS.Timeout;

  constructor(reviewer: TokenReviewer, options: { readonly everyMs: number; readonly now?: () => number }) {
    this.#reviewer = reviewer;
    this.#now = options.now ?? Date.now;
    this.#timer = setInterval(() => void this.look(), options.everyMs);
    this.#timer.unref();
  }

  /** Who a token names that {@link admit} let in, as long as that is known: while it is used, and a minute after its review. */
  known(token: string): PodIdentity | undefined {
    return this.#known.get(keyOf(token))?.pod;
  }

  /**
   * The pod, or why the token is none.
   * @throws Error when that cannot be found out now.
   */
  async admit(token: string): Promise<PodIdentity | string> {
    const key = keyOf(token);
    const known = this.#known.get(key);
    if (known !== undefined && known.endsAt > this.#now() && known.reviewedAt + FRESH_MS > this.#now())
      return known.pod;
    const running = this.#reviews.get(key);
    if (running !== undefined) return running;
    const endsAt = endOf(token, this.#reviewer.audience, this.#now());
    if (typeof endsAt === "string") return endsAt;
    if (this.#reviews.size >= MAX_REVIEWS) throw new Error("too many tokens are being reviewed");
    const review = this.#review(key, token, endsAt).finally(() => this.#reviews.delete(key));
    this.#reviews.set(key, review);
    return review;
  }

  /** Notes what was let in by a token. @returns what is to be called when that has ended. */
  use(token: string, use: Use): () => void {
    const uses = this.#known.get(keyOf(token))?.uses;
    uses?.add(use);
    return () => uses?.delete(use);
  }

  /** Ends what tokens have let in that are good no more, and forgets those that nobody uses. */
  async look(): Promise<void> {
    const now = this.#now();
    const due: Promise<void>[] = [];
    for (const [key, known] of this.#known) {
      if (known.endsAt <= now) this.#end(key, "the token has ended");
      else if (known.uses.size === 0 && known.reviewedAt + FRESH_MS <= now) this.#known.delete(key);
      else if (known.reviewedAt + AGAIN_MS <= now && this.#reviews.size + due.length < MAX_REVIEWS) {
        due.push(this.#lookAgain(key, known));
      }
    }
    await Promise.all(due);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  async #lookAgain(key: string, known: Known): Promise<void> {
    try {
      const answer = await this.admit(known.token);
      if (typeof answer === "string") this.#end(key, answer);
    } catch {
      // The API is away, which says nothing of the pod.
    }
  }

  #end(key: string, reason: string): void {
    const uses = this.#known.get(key)?.uses ?? [];
    this.#known.delete(key);
    for (const use of uses) use.end(reason);
  }

  async #review(key: string, token: string, endsAt: number): Promise<PodIdentity | string> {
    const answer = await this.#reviewer.review(token);
    if (answer.kind === "refused") return answer.reason;
    const known = this.#known.get(key);
    if (known === undefined) {
      this.#known.set(key, { token, pod: answer, endsAt, reviewedAt: this.#now(), uses: new Set() });
    } else {
      known.reviewedAt = this.#now();
    }
    return answer;
  }
}

function keyOf(token: string): string {
  return createHash("sha256").update(token).digest("base64");
}

/**
 * When a token ends, in milliseconds, by what it says of itself (RFC 7519, section 4.1). Who made it is for the review to say; this spares
 * the API what cannot be good.
 * @returns why it cannot.
 */
function endOf(token: string, audience: string, now: number): number | string {
  const [, payload, signature, ...more] = token.length > MAX_LENGTH ? [] : token.split(".");
  if (payload === undefined || signature === undefined || more.length > 0) return "it is no token of Kubernetes";
  let claims: { readonly exp?: unknown; readonly aud?: unknown } | null;
  try {
    claims = JSON.parse(Buffer.from(payload, "base64url").toString("utf8")) as typeof claims;
  } catch {
    return "it is no token of Kubernetes";
  }
  if (typeof claims?.exp !== "number") return "it is a token without an end";
  if (![claims.aud].flat().includes(audience)) return `it is a token for others: its audience is not "${audience}"`;
  const endsAt = claims.exp * 1_000;
  return endsAt > now ? endsAt : "the token has ended";
}
