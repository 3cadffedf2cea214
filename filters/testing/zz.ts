import fc from "fast-check";
import { writeFileSync } from "node:fs";
import { Envoy, filterModule, statusOf } from "./filter.ts";
import { hostileRequests } from "./hostile.ts";
const module = await filterModule("ratelimit");
const envoy = new Envoy(module);
const worker = await envoy.worker({ limits: [
 { name: "everything", tokenBucket: { maxTokens: 2, fillInterval: "1h" },
   key: [{ header: "x-key" },{ cookie: "uid" },{ path: {} },{ method: {} },{ clientAddress: { xForwardedForPosition: 2 } },{ property: ["request", "headers", "x-other"] }], slots: 64 },
 { name: "matched", tokenBucket: { maxTokens: 1, fillInterval: "1h" }, key: [{ clientAddress: {} }],
   match: { path: { contains: "a" }, headers: [{ name: "x-key", suffix: "a" }], cookies: [{ name: "uid", prefix: "1" }] } } ] });
let n = 0;
fc.assert(fc.property(hostileRequests, (request) => {
  n++; writeFileSync("/tmp/h.last", n + " " + JSON.stringify(request, (k, v) => v instanceof Uint8Array ? Buffer.from(v).toString("hex") : v));
  const s = statusOf(worker.send(request)); if (worker.trap) throw new Error(worker.trap); if (s !== 200 && s !== 429) throw new Error("status " + s);
}), { numRuns: 60000, endOnFailure: true });
console.log("done", n);
