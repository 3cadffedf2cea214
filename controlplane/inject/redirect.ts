import { freePort } from "../kubernetes/inbound-ports.ts";
import { REDIRECT, REDIRECT_INBOUND, REDIRECT_OUTBOUND } from "./names.ts";
import { switchFrom } from "./decide.ts";
import { isPort, PodError, type Pod } from "./pod.ts";
import type { InjectSettings } from "./settings.ts";

/** Whose connections are led to the sidecar. */
export interface Redirect {
  /** By ports of the application: where the sidecar takes what is for them. */
  readonly inbound: ReadonlyMap<number, number>;
  /** Ports of others. */
  readonly outbound: readonly number[];
}

/**
 * What is redirected in a pod; undefined for nothing.
 *
 * @throws PodError when it cannot be told, or the pod names no ports.
 */
export function redirectOf({ metadata = {}, spec }: Pod, { redirect, sidecar }: InjectSettings): Redirect | undefined {
  const annotations = metadata.annotations ?? {};
  const wish = annotations[REDIRECT];
  const isOn = wish === undefined ? redirect.enabled : switchFrom(wish, REDIRECT);
  if (!isOn) return undefined;
  const own = Object.values(sidecar.ports);
  const declared = spec.containers.flatMap(({ ports }) =>
    (ports ?? []).filter(({ protocol = "TCP" }) => protocol === "TCP").map(({ containerPort }) => containerPort),
  );
  const inbound = portsOf(annotations, REDIRECT_INBOUND) ?? [...new Set(declared)];
  // More than one is rarely HTTP all through: metrics, databases, peers of a cluster.
  if (annotations[REDIRECT_INBOUND] === undefined && inbound.length !== 1)
    throw new PodError(
      `which port takes requests cannot be told, since its containers have ${
        inbound.length === 0 ? "no TCP port" : `the ports ${inbound.join(", ")}`
      }: name it with the annotation ${REDIRECT_INBOUND}`,
    );
  const outbound = portsOf(annotations, REDIRECT_OUTBOUND) ?? redirect.outboundPorts;
  for (const [name, ports] of [
    [REDIRECT_INBOUND, inbound],
    [REDIRECT_OUTBOUND, outbound],
  ] as const)
    for (const port of ports)
      if (own.includes(port)) throw new PodError(`${name}: the port ${port} is one of the sidecar's own`);
  return { inbound: takenAt(inbound, own, sidecar.ports.inbound), outbound };
}

/** The first at the sidecar's port for requests, the others as the control plane chooses for ports that are not redirected. */
function takenAt(inbound: readonly number[], own: readonly number[], first: number): ReadonlyMap<number, number> {
  const taken = new Set([...own, ...inbound]);
  const at = new Map<number, number>();
  for (const port of inbound) {
    const to = at.size === 0 ? first : freePort(port, taken);
    if (to === undefined) throw new PodError(`${REDIRECT_INBOUND}: more ports than a sidecar can take`);
    taken.add(to);
    at.set(port, to);
  }
  return at;
}

function portsOf(annotations: Readonly<Record<string, string>>, name: string): readonly number[] | undefined {
  const text = annotations[name]?.trim();
  if (text === undefined) return undefined;
  if (text === "") return [];
  return [
    ...new Set(
      text.split(",").map((part) => {
        const port = /^\s*\d{1,5}\s*$/.test(part) ? Number(part) : NaN;
        if (!isPort(port))
          throw new PodError(`${name}: expected ports such as 80,8080, found ${JSON.stringify(text.slice(0, 80))}`);
        return port;
      }),
    ),
  ];
}

/**
 * The input of iptables-restore. Chains of our own hold all rules, so that a second run finds and replaces them.
 *
 * What the sidecar sends itself is let through: it would come back for ever. So is what stays on the loopback interface, as
 * between the sidecar and the application.
 */
export function redirectRules({ inbound, outbound }: Redirect, { ports, userId }: InjectSettings["sidecar"]): string {
  return [
    "*nat",
    ":MESHWRIGHT_INBOUND - [0:0]",
    ":MESHWRIGHT_OUTBOUND - [0:0]",
    ...Array.from(inbound, ([port, to]) => `-A MESHWRIGHT_INBOUND -p tcp --dport ${port} -j REDIRECT --to-ports ${to}`),
    `-A MESHWRIGHT_OUTBOUND -m owner --uid-owner ${userId} -j RETURN`,
    "-A MESHWRIGHT_OUTBOUND -o lo -j RETURN",
    ...outbound.map((port) => `-A MESHWRIGHT_OUTBOUND -p tcp --dport ${port} -j REDIRECT --to-ports ${ports.outbound}`),
    "-A PREROUTING -p tcp -j MESHWRIGHT_INBOUND",
    "-A OUTPUT -p tcp -j MESHWRIGHT_OUTBOUND",
    "COMMIT",
    "",
  ].join("\n");
}

/**
 * The command of the init container. It may run twice, when the pod's containers are all started anew: what jumps to our chains is then
 * removed first. By IPv6 too where there is any, or that would be a way past the sidecar.
 */
export function redirectCommand(rules: string): string[] {
  const script = `redirect() {
  while "$1" -w -t nat -D PREROUTING -p tcp -j MESHWRIGHT_INBOUND 2>/dev/null; do :; done
  while "$1" -w -t nat -D OUTPUT -p tcp -j MESHWRIGHT_OUTBOUND 2>/dev/null; do :; done
  "$1-restore" -w --noflush <<'END'
${rules}END
}
redirect iptables
if [ -e /proc/net/if_inet6 ]; then redirect ip6tables; fi`;
  return ["sh", "-e", "-c", script];
}
