// How long an answer is good (RFC 9111, section 4.2).

import { HeaderMap } from "proxy-wasm-assemblyscript-sdk";

/** More than any bound in a configuration. */
// @ts-ignore: decorator
@inline const MAX_SECONDS: i64 = 100_000_000;

/** Seconds that are left of `max-age`, 0 where the answer should not be kept, or -1 where it says nothing of it. */
export function secondsLeft(headers: HeaderMap): i64 {
  let maxAge: i64 = -1;
  let age: i64 = 0;
  for (let i = 0; i < headers.count; ++i) {
    const name = headers.nameAt(i);
    if (name.isIgnoreCase("age")) age = max<i64>(age, seconds(headers.valueAt(i).toString().trim()));
    if (!name.isIgnoreCase("cache-control")) continue;
    const directives = headers.valueAt(i).toString().toLowerCase().split(",");
    for (let j = 0; j < directives.length; ++j) {
      const found = lifetime(directives[j].trim());
      // Of several the shortest.
      if (found >= 0) maxAge = maxAge < 0 ? found : min<i64>(maxAge, found);
    }
  }
  return maxAge < 0 ? -1 : max<i64>(maxAge - age, 0);
}

function lifetime(directive: string): i64 {
  if (directive == "no-store" || directive == "no-cache") return 0;
  return directive.startsWith("max-age=") ? seconds(directive.substring(8)) : -1;
}

/** -1 for what is no number. */
function seconds(text: string): i64 {
  let number: i64 = 0;
  for (let i = 0; i < text.length; ++i) {
    const digit = <u32>text.charCodeAt(i) - 0x30;
    if (digit > 9) return -1;
    number = min<i64>(number * 10 + digit, MAX_SECONDS);
  }
  return text.length ? number : -1;
}
