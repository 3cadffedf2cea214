// Shares of the clusters, where chance or a hash deals requests out: ab-routing and Envoy's weighted clusters beside their weights.
import fc from "fast-check";
import { goodnessOfFit, independence, type ChiSquareTest } from "../../controlplane/statistics/index.ts";
import { wasmFilter } from "../support/filter-chains.ts";
import { abModule, clusterOf, clusters, oursRoutes, ranges, variants } from "./ab.ts";
import { inParallel, SideBySide, type Pair, type Request } from "./side-by-side.ts";

/** By the hash of a user, or anew for each request. */
const kinds = ["hash", "random"] as const;
type Kind = (typeof kinds)[number];
type Ranges = typeof ranges extends fc.Arbitrary<infer T> ? T : never;

export interface SharesReport {
  readonly requests: number;
  readonly tests: readonly { readonly what: string; readonly test: ChiSquareTest }[];
  /** Users who came twice and were not dealt out alike, where a hash is to do it. */
  readonly moved: number;
}

function pairOf(at: number, kind: Kind, split: Ranges): Pair {
  const others = variants.filter((name) => split.every((range) => range.name !== name));
  const experiment = {
    name: `shares-${at}`,
    header: "x-variant",
    // Envoy writes a request id of its own before filters run.
    split: {
      key: [{ header: kind === "hash" ? "x-user" : "x-request-id" }],
      variants: [...split, ...others.map((name) => ({ name, weight: 0 }))],
    },
    default: "a",
  };
  const native = {
    match: { prefix: "/" },
    route: {
      ...(kind === "hash" ? { hash_policy: [{ header: { header_name: "x-user" } }] } : {}),
      weighted_clusters: { ...(kind === "hash" ? { use_hash_policy: true } : {}), clusters: split },
    },
  };
  return {
    native: [],
    ours: [wasmFilter("ab-routing", abModule, { experiments: [experiment] })],
    routes: { native: [native], ours: oursRoutes("x-variant", "outside") },
  };
}

/** Each of `users` users comes twice to each side of a pair for each split and kind. */
export async function compareShares(seed: number, splits: number, users: number): Promise<SharesReport> {
  const cases = fc.sample(ranges, { seed, numRuns: splits }).flatMap((split) => kinds.map((kind) => ({ kind, split })));
  const envoy = await SideBySide.start(
    cases.map(({ kind, split }, at) => pairOf(at, kind, split)),
    { answering: clusters, manager: { generate_request_id: true } },
  );
  const asked = Array.from({ length: 2 * users }, (_, i): Request => ({
    method: "GET",
    path: "/",
    host: "a.example",
    headers: [["x-user", `${seed}-${i % users}`]],
  }));
  const tests: { what: string; test: ChiSquareTest }[] = [];
  let moved = 0;
  try {
    await inParallel(cases, async ({ kind, split }, at) => {
      const from = { source: "192.0.2.1", port: 80 };
      const [native = [], ours = []] = await Promise.all(
        (["native", "ours"] as const).map(async (side) => (await envoy.ask(at, side, from, asked)).map(clusterOf)),
      );
      const what = `${kind}, ${split.map(({ name, weight }) => `${name} ${weight}`).join(", ")}`;
      const shares = clusters.map((name) =>
        sum(split.filter((range) => range.name === name).map((r) => r.weight / 1e4)),
      );
      // Of a user who is dealt out alike twice, one request counts.
      const counted = (list: readonly string[]): readonly string[] => (kind === "hash" ? list.slice(0, users) : list);
      const counts = [native, ours].map((list) =>
        clusters.map((name) => counted(list).filter((one) => one === name).length),
      );
      const names = ["Envoy beside the weights", "ab-routing beside the weights"];
      counts.forEach((one, i) => tests.push({ what: `${names[i]}: ${what}`, test: goodnessOfFit(one, shares) }));
      tests.push({ what: `Envoy beside ab-routing: ${what}`, test: independence(counts) });
      tests.push({
        what: `what one gives says nothing of the other: ${what}`,
        test: independence(tableOf(counted(native), ours)),
      });
      if (kind === "random") return;
      for (const list of [native, ours]) moved += asked.filter((_, i) => list[i] !== list[i % users]).length;
    });
  } finally {
    await envoy.stop();
  }
  return { requests: cases.length * 2 * asked.length, tests, moved };
}

/** How often a request had one cluster on one side and another on the other. */
function tableOf(native: readonly string[], ours: readonly string[]): number[][] {
  const pairs = native.map((name, i) => `${name} ${ours[i] ?? ""}`);
  return clusters.map((row) => clusters.map((column) => pairs.filter((pair) => pair === `${row} ${column}`).length));
}

const sum = (values: readonly number[]): number => values.reduce((all, value) => all + value, 0);
