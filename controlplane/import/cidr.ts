import { BlockList, isIP } from "node:net";
import type { Cursor } from "./cursor.ts";
import { lost, type Expression } from "./expression.ts";

/**
 * An address range as `address/length`; undefined where it is none. A range of one address may leave out the length. Bits behind the
 * prefix, which Envoy and Istio do not look at and the filter refuses, become 0.
 */
export function parseCidr(text: string): string | undefined {
  const match = /^([0-9A-Fa-f:.]+)(?:\/(\d{1,3}))?$/.exec(text);
  const address = match?.[1] ?? "";
  const family = isIP(address);
  const bits = family === 6 ? 128 : 32;
  const length = match?.[2] === undefined ? bits : Number(match[2]);
  if (family === 0 || length > bits) return undefined;
  const groups = family === 6 ? groupsOf(address) : address.split(".").map(Number);
  const width = bits / groups.length;
  const masked = groups.map((group, at) => {
    const behind = Math.min(Math.max((at + 1) * width - length, 0), width);
    return group - (group % 2 ** behind);
  });
  if (masked.every((group, at) => group === groups[at])) return `${address}/${length}`;
  return family === 6 ? `${compressed(masked)}/${length}` : `${masked.join(".")}/${length}`;
}

/** The eight groups of an IPv6 address. */
function groupsOf(address: string): number[] {
  // The URL parser writes the last 32 bits as groups, too.
  const [head = "", tail] = new URL(`http://[${address}]`).hostname.slice(1, -1).split("::");
  const numbers = (text: string): number[] => (text === "" ? [] : text.split(":").map((group) => parseInt(group, 16)));
  const [first, last] = [numbers(head), numbers(tail ?? "")];
  return [...first, ...Array.from({ length: 8 - first.length - last.length }, () => 0), ...last];
}

function compressed(groups: readonly number[]): string {
  return new URL(`http://[${groups.map((group) => group.toString(16)).join(":")}]`).hostname.slice(1, -1);
}

/** Whether every address of one range is in another. */
export function isWithin(inner: string, outer: string): boolean {
  const [address = "", length = ""] = inner.split("/");
  const [network = "", prefix = ""] = outer.split("/");
  if (isIP(address) !== isIP(network) || Number(length) < Number(prefix)) return false;
  const family = isIP(address) === 6 ? "ipv6" : "ipv4";
  const list = new BlockList();
  list.addSubnet(network, Number(prefix), family);
  return list.check(address, family);
}

/**
 * A condition on the address of the connection itself. The filter has only the address that Envoy takes for the client's; the two
 * are the same where nobody is trusted with x-forwarded-for, which has to be said.
 */
export function connectionAddress(at: Cursor, condition: Expression, trustedHops: number | undefined): Expression {
  if (trustedHops === 0) return condition;
  return lost(
    at.finding(
      "loss",
      "the filter has the address that Envoy takes for the client's, which need not be that of the connection",
      "give --trusted-hops 0 if Envoy takes no address from x-forwarded-for (use_remote_address, and no xff_num_trusted_hops)",
    ),
  );
}
