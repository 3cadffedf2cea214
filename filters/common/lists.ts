import { ConfigObject } from "proxy-wasm-assemblyscript-sdk";

/** Refuses a list that is given but has nothing in it: it would say nothing, so it is a mistake. */
export function refuseEmpty(object: ConfigObject, field: string, length: i32): void {
  if (length == 0 && object.has(field)) object.error(field, "at least one item");
}
