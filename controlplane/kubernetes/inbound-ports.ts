/** Where a sidecar takes requests, as its pod says. */
export interface InboundPorts {
  /** For the first port of its Service. */
  readonly inboundPort: number;
  readonly outboundPort: number;
  /** For ports of the application whose connections are redirected, by these. */
  readonly redirected: ReadonlyMap<number, number>;
}

/** Where sidecars take requests to further ports: these 100. */
const FIRST = 15_100;
const COUNT = 100;

/**
 * Where a sidecar takes requests to each of these ports of its application, of which the first is that of its Service. Mostly a port does
 * not move when others come or go, so that no caller meets another one there than it knows.
 */
export function inboundPorts(
  { inboundPort, outboundPort, redirected }: InboundPorts,
  targets: readonly number[],
): ReadonlyMap<number, number> {
  const found = new Map<number, number>();
  const taken = new Set([inboundPort, outboundPort, ...targets, ...redirected.values()]);
  const isFree = ![...redirected.values()].includes(inboundPort);
  for (const [index, target] of targets.entries()) {
    const own = redirected.get(target) ?? (index === 0 && isFree ? inboundPort : freePort(target, taken));
    if (own === undefined) continue;
    taken.add(own);
    found.set(target, own);
  }
  return found;
}

/** The first that is free; undefined where none is. */
export function freePort(target: number, taken: ReadonlySet<number>): number | undefined {
  for (let i = 0; i < COUNT; i++) {
    const port = FIRST + ((target + i) % COUNT);
    if (!taken.has(port)) return port;
  }
  return undefined;
}
