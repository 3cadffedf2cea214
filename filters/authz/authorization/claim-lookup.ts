// The claims that rules are found by.

import { JsonKind, JsonValue } from "proxy-wasm-assemblyscript-sdk";
import { ClaimPath } from "../authentication/claims";
import { Key, KeyKind, hashClaim, hashText } from "./key";
import { PostingHeap } from "../../common/postings";

/** So many claims are looked up in each token; rules on further ones are found by their other conditions. */
const MAX_CLAIMS: i32 = 16;


@final
export class ClaimLookup {
  private claims: ClaimPath[] = [];
  private hashes: u64[] = [];

  /** Takes the claims of some keys among those that are looked up. False when these are many. */
  take(keys: Key[]): bool {
    for (let i = 0; i < keys.length; ++i) {
      const claim = keys[i].claim;
      if (claim === null) continue;
      const hash = hashText(KeyKind.Claim, claim.id);
      if (this.hashes.includes(hash)) continue;
      if (this.claims.length == MAX_CLAIMS) return false;
      this.claims.push(claim);
      this.hashes.push(hash);
    }
    return true;
  }

  /** Adds the rules that a token's claims point to. */
  find(claims: JsonValue, heap: PostingHeap): void {
    for (let i = 0; i < this.claims.length; ++i) {
      const value = unchecked(this.claims[i]).find(claims);
      if (value !== null) findValue(unchecked(this.hashes[i]), value, heap);
    }
  }
}

function findValue(claim: u64, value: JsonValue, heap: PostingHeap): void {
  if (value.kind == JsonKind.Array) {
    for (let i = 0; i < value.items.length; ++i) {
      const item = unchecked(value.items[i]);
      if (item.kind == JsonKind.String) heap.add(hashClaim(claim, item.text));
    }
  }
  if (value.kind != JsonKind.String) return;
  const text = value.text;
  heap.add(hashClaim(claim, text));
  // Its words, if it has more than one.
  let start = 0;
  for (let space = text.indexOf(" "); space >= 0; space = text.indexOf(" ", start)) {
    heap.add(hashClaim(claim, text, start, space));
    start = space + 1;
  }
  if (start > 0) heap.add(hashClaim(claim, text, start));
}
