// Texts of IP addresses.

/** Whether a text is an IPv4 address: four numbers from 0 to 255 without zeros in front (RFC 3986, section 3.2.2). */
export function isIpv4(text: string): bool {
  const parts = text.split(".");
  if (parts.length != 4) return false;
  for (let i = 0; i < 4; ++i) {
    const part = parts[i];
    if (part.length == 0 || part.length > 3 || (part.length > 1 && part.charCodeAt(0) == 0x30)) return false;
    let value = 0;
    for (let k = 0; k < part.length; ++k) {
      const digit = part.charCodeAt(k) - 0x30;
      if (<u32>digit > 9) return false;
      value = value * 10 + digit;
    }
    if (value > 255) return false;
  }
  return true;
}

/** Whether a text is an IPv6 address without brackets and zone (RFC 4291, section 2.2; RFC 3986, section 3.2.2). */
export function isIpv6(text: string): bool {
  const gap = text.indexOf("::");
  if (gap < 0) return groupsOf(text, true) == 8;
  const before = text.substring(0, gap);
  const after = text.substring(gap + 2);
  const head = before.length ? groupsOf(before, false) : 0;
  const tail = after.length ? groupsOf(after, true) : 0;
  // The gap stands for one group or more.
  return head >= 0 && tail >= 0 && head + tail < 8;
}

/** Number of groups of 16 bits, or -1. An IPv4 address may be the last two. */
function groupsOf(text: string, ipv4Allowed: bool): i32 {
  const groups = text.split(":");
  const last = groups.length - 1;
  let count = 0;
  for (let i = 0; i <= last; ++i) {
    const group = groups[i];
    if (i == last && ipv4Allowed && group.includes(".")) return isIpv4(group) ? count + 2 : -1;
    if (group.length == 0 || group.length > 4) return -1;
    for (let k = 0; k < group.length; ++k) {
      const code = group.charCodeAt(k);
      if (<u32>(code - 0x30) > 9 && <u32>((code | 0x20) - 0x61) > 5) return -1;
    }
    ++count;
  }
  return count;
}
