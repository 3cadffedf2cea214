import type { Exchange, HeaderLines } from "./exchange.ts";

const headers: HeaderLines = [
  ["x-one", "1"],
  ["x-many", "a"],
  ["x-many", ""],
  ["x-many", "b"],
  ["x-empty", ""],
  ["x-bytes", "\xff\xfe\xc3\xa9"],
  ["x-old", "old"],
];
const trailers: HeaderLines = [
  ["x-one", "1"],
  ["x-many", "a"],
  ["x-many", "b"],
  ["x-bytes", "\xff"],
];
const both = (message: object): Pick<Exchange, "request" | "response"> => ({ request: message, response: message });
const body = both({ headers: [["content-length", "6"]], body: ["abc", "d\xfff"] });
export const exchanges: readonly Exchange[] = [
  { scenario: "read-headers", ...both({ headers }) },
  { scenario: "write-headers", request: { headers: [...headers, ["accept", "a"]] }, response: { headers } },
  { scenario: "replace-headers", ...both({ headers }) },
  { scenario: "absent-maps" },
  { scenario: "trailers", method: "POST", ...both({ body: ["body"], trailers }) },
  { scenario: "read-body", method: "POST", ...body },
  { scenario: "grow-body", method: "POST", ...body },
  { scenario: "replace-body", method: "POST", ...body },
  { scenario: "absent-body", method: "POST", ...body },
  { scenario: "local-response" },
  { scenario: "local-response-bytes" },
  { scenario: "local-response-empty" },
  { scenario: "local-response-late", response: { headers, body: ["good"] } },
  { scenario: "local-response-grpc", method: "POST", request: { headers: [["content-type", "application/grpc"]], body: ["x"] } },
  { scenario: "pause-request", request: { headers: [["x-secret", "mine"]] } },
  { scenario: "pause-response", response: { headers: [["x-upstream", "yes"]], body: ["late"] } },
  { scenario: "pause-body", method: "POST", ...body },
  { scenario: "pause-and-answer" },
  { scenario: "close-stream" },
  { scenario: "clear-route-cache" },
  { scenario: "clear-route-cache", request: { headers: [["x-clear", "1"]] } },
  { scenario: "life" },
  { scenario: "properties", path: "/properties?q=1", request: { headers }, response: { status: 418 } },
  { scenario: "shared-data" },
  { scenario: "metrics" },
  { scenario: "time" },
  { scenario: "log" },
  { scenario: "foreign" },
  ...["first", "first", "second", "second", "passed-by", "plain"].map((plugin) => ({ scenario: "mark", plugin })),
];
