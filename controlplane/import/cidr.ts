import { BlockList, isIP } from "node:net";

/** An address range as `address/length`; undefined where it is none. A range of one address may leave out the length. */
export function parseCidr(text: string): string | undefined {
  const match = /^([0-9A-Fa-f:.]+)(?:\/(\d{1,3}))?$/.exec(text);
  const address = match?.[1] ?? "";
  const family = isIP(address);
  const bits = family === 6 ? 128 : 32;
  const length = match?.[2] === undefined ? bits : Number(match[2]);
  return family === 0 || length > bits ? undefined : `${address}/${length}`;
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
