import { fetchFault, hasFetched, type FetchCounts, type FetchFault } from "./module-fetch.ts";

/** An answer may have been on its way when a sidecar told of what was after it. */
const ON_THE_WAY_MS = 1_000;

/**
 * How long all fetches of a sidecar have to fail until they are given up. Each attempt at delivering a filter is another fetch, also while Envoy
 * remembers that one failed, and there are six in this time (`xds/delivery.ts`); what serves modules may be started anew meanwhile.
 */
const FAILING_MS = 5_000;

/** What is known of a sidecar that has not taken a filter. */
export type FetchState =
  | { readonly kind: "refuses"; readonly message: string }
  /** `isOver`: more attempts would not change it. */
  | { readonly kind: "fault"; readonly fault: FetchFault; readonly isOver: boolean };

/** What a sidecar told at one look, and when. */
interface Told extends FetchCounts {
  readonly at: number;
}

interface Story {
  readonly version: string;
  /** What was told at the first look: what it counts may have been before the sidecar was given this version. */
  readonly first: Told;
  /** Since when all is fetched and runs. */
  fetched: Told | undefined;
  /** Since when fetches fail and none has arrived. */
  failing: Told | undefined;
  /** Since when one has arrived, and none has failed. */
  arrived: Told | undefined;
}

/**
 * Tells what becomes of the fetches of sidecars from what they report one time after another, and from when they did not take a filter: Envoy fetches
 * in the background, and says the same words whatever is wrong.
 */
export class Fetches {
  readonly #stories = new Map<string, Story>();
  /** When a sidecar did not take a filter last, though it may only not have had the module. */
  readonly #attempts = new Map<string, { readonly at: number; readonly message: string }>();

  /** A sidecar did not take a filter whose module it may not have had. */
  attempted(node: string, message: string, at: number): void {
    this.#attempts.set(node, { at, message });
  }

  /**
   * @param version that it has not taken.
   * @param counts since it was given that.
   * @param reportedAt when it last reported.
   */
  look(
    node: string,
    version: string,
    counts: FetchCounts,
    reportedAt: number | undefined,
    now: number,
  ): FetchState | undefined {
    let story = this.#stories.get(node);
    const told: Told = { ...counts, at: now };
    if (story?.version !== version) {
      story = { version, first: told, fetched: undefined, failing: undefined, arrived: undefined };
      this.#stories.set(node, story);
    }
    note(story, told);
    const attempt = this.#attempts.get(node);
    // What was there at a look was there for an attempt after it.
    const wasTried = (since: Told | undefined): boolean =>
      since !== undefined && attempt !== undefined && attempt.at > since.at + ON_THE_WAY_MS;
    if (wasTried(story.fetched)) return { kind: "refuses", message: attempt?.message ?? "" };
    const fault = fetchFault(told);
    if (fault === undefined) return undefined;
    const { failing, arrived } = story;
    const isOver =
      fault === "Failed"
        ? failing !== undefined && now - failing.at >= FAILING_MS && told.failed > failing.failed && !told.isFetching
        : wasTried(arrived) && (reportedAt ?? 0) > (attempt?.at ?? 0) + ON_THE_WAY_MS;
    return { kind: "fault", fault, isOver };
  }
}

function note(story: Story, told: Told): void {
  const { first, failing } = story;
  story.fetched = hasFetched(told) ? (story.fetched ?? told) : undefined;
  const hasFailed = told.failed > first.failed;
  const hasArrived = told.arrived > first.arrived;
  if (!hasFailed) story.failing = undefined;
  // Whoever is asked answers again.
  else if (failing === undefined || told.arrived > failing.arrived) story.failing = told;
  story.arrived = hasArrived && !hasFailed && !told.isFetching ? (story.arrived ?? told) : undefined;
}
