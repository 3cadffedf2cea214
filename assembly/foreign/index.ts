// What a host offers beyond the ABI: `callForeignFunction` for any function, and those of Envoy in typed form. Others of them stand
// where they belong: `verifySignature` in crypto/, `clearRouteCache` in http/, filter state in filter-state.ts.

export { callForeignFunction, foreignResult, foreignStatus } from "./call";
export { compress, uncompress } from "./compress";
export { Expression } from "./expression";
export { canSign, sign } from "./sign";
