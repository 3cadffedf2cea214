import { bodies, headers, message, type Case } from "./case.ts";

export const flowCases: readonly Case[] = [
  {
    exchange: { scenario: "local-response" },
    expected: {
      log: ["Ok", "own answer: 403 one|two", "details: why_it_is_so", "end"],
      upstream: undefined,
      client: message(
        "403",
        ["content-length: 10", "content-type: text/plain", "x-empty: ", "x-many: one", "x-many: two", "x-seen: yes"],
        "denied: \xc3\xa9",
      ),
    },
  },
  {
    exchange: { scenario: "local-response-bytes" },
    expected: {
      log: ["Ok", "end"],
      upstream: undefined,
      client: message(
        "299",
        ["content-length: 3", "content-type: application/x-any", "x-bytes: \xff\xc0"],
        "\u0000\xff\n",
      ),
    },
  },
  {
    exchange: { scenario: "local-response-empty" },
    expected: { log: ["Ok", "end"], upstream: undefined, client: message("204") },
  },
  {
    exchange: { scenario: "local-response-late", response: { headers, body: ["good"] } },
    expected: {
      log: ["Ok", "end"],
      upstream: message("GET /local-response-late"),
      client: message("502", ["content-length: 10", "content-type: text/plain"], "bad answer"),
    },
  },
  {
    exchange: {
      scenario: "local-response-grpc",
      method: "POST",
      request: { headers: [["content-type", "application/grpc"]], body: ["x"] },
    },
    expected: {
      log: ["Ok", "end"],
      upstream: undefined,
      client: message("200", ["content-type: application/grpc", "grpc-message: not you", "grpc-status: 7"]),
    },
  },
  {
    exchange: { scenario: "pause-request", request: { headers: [["x-secret", "mine"]] } },
    expected: {
      log: ["no such context: BadArgument", "effective: Ok", "resumed with headers, of mine", "Ok Ok", "end"],
      upstream: message("GET /pause-request", ["x-resumed: of mine", "x-secret: mine"]),
      client: message("200"),
    },
  },
  {
    exchange: { scenario: "pause-response", response: { headers: [["x-upstream", "yes"]], body: ["late"] } },
    expected: {
      log: ["no such context: BadArgument", "effective: Ok", "resumed with yes", "Ok Ok", "end"],
      upstream: message("GET /pause-response"),
      client: message("200", ["x-resumed: yes", "x-upstream: yes"], "late"),
    },
  },
  {
    exchange: { scenario: "pause-body", method: "POST", ...bodies },
    expected: {
      log: ["no such context: BadArgument", "effective: Ok", "Ok", "end"],
      upstream: message("POST /pause-body", ["content-length: 6"], "abcd\xfff"),
      client: message("200", ["content-length: 6"], "abcd\xfff"),
    },
  },
  {
    exchange: { scenario: "pause-and-answer" },
    expected: {
      log: ["no such context: BadArgument", "effective: Ok", "Ok", "end"],
      upstream: undefined,
      client: message("429", ["content-length: 5", "content-type: text/plain"], "later"),
    },
  },
  { exchange: { scenario: "close-stream" }, expected: { log: ["Ok", "end"], upstream: undefined, client: undefined } },
  {
    exchange: { scenario: "clear-route-cache" },
    expected: { log: ["Ok", "end"], upstream: message("GET /clear-route-cache"), client: message("200") },
  },
  {
    exchange: { scenario: "clear-route-cache", request: { headers: [["x-clear", "1"]] } },
    expected: {
      log: ["Ok", "Ok", "end"],
      upstream: message("GET /clear-route-cache", ["x-clear: 1", "x-routed: b"]),
      client: message("200"),
    },
  },
  {
    exchange: { scenario: "clear-route-cache", request: { headers: [["x-write", "1"]] } },
    expected: {
      log: ["Ok", "end"],
      upstream: message("GET /clear-route-cache", ["x-route: c", "x-routed: c", "x-write: 1"]),
      client: message("200"),
    },
  },
  {
    exchange: { scenario: "life" },
    expected: {
      log: [
        "onRequestHeaders true",
        "onResponseHeaders true",
        "onLog true life 200",
        "onDone true",
        "onDelete true",
        "end",
      ],
      upstream: message("GET /life"),
      client: message("200"),
    },
  },
];
