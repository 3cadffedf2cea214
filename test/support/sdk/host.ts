import { headers, message, unchanged, type Case } from "./case.ts";

export const hostCases: readonly Case[] = [
  {
    exchange: { scenario: "properties", path: "/properties?q=1", request: { headers }, response: { status: 418 } },
    expected: {
      log: [
        "string /properties?q=1",
        "of a map a,,b",
        "i64 0",
        "time true",
        "bool false",
        "f64 2.0",
        "bool of metadata true",
        "string of metadata é",
        "plugin scenarios scenarios",
        "absent null null 7 0.5 true",
        "of another type 7 0.5 true",
        "empty path null",
        "own null Ok a\\xff",
        "again Ok []",
        "code 418",
        "end",
      ],
      upstream: message("GET /properties?q=1", unchanged),
      client: message("418"),
    },
  },
  {
    exchange: { scenario: "property-bytes", request: { headers } },
    expected: {
      log: ["\\xff\\xfe\\xc3\\xa9 ��é", "end"],
      upstream: message("GET /property-bytes", unchanged),
      client: message("200"),
    },
  },
  {
    exchange: { scenario: "shared-data" },
    expected: {
      log: [
        "absent null",
        "set Ok \\xff\\x00",
        "cas is a number: true",
        "with cas Ok two",
        "stale cas CasMismatch two",
        "without cas Ok four",
        "empty Ok []",
        "cas of an absent key Ok fresh",
        "end",
      ],
      upstream: message("GET /shared-data"),
      client: message("200"),
    },
  },
  {
    exchange: { scenario: "metrics" },
    expected: {
      log: [
        "early Ok 1 1",
        "early Ok Ok 5",
        "counter 0 Ok Ok 42",
        "counter BadArgument BadArgument 42",
        "same 42",
        "gauge Ok Ok Ok 7",
        "histogram Ok",
        "end",
      ],
      upstream: message("GET /metrics"),
      client: message("200"),
    },
  },
  {
    exchange: { scenario: "time" },
    expected: { log: ["plausible true true", "end"], upstream: message("GET /time"), client: message("200") },
  },
  {
    exchange: { scenario: "log" },
    expected: {
      log: [
        "level 2",
        "[warn] level 3",
        "[error] level 4",
        "[critical] level 5",
        "isLogging 001111",
        "logInfo",
        "[warn] logWarn",
        "[error] logError",
        "end",
      ],
      upstream: message("GET /log"),
      client: message("200"),
    },
  },
  {
    exchange: { scenario: "foreign" },
    expected: {
      log: [
        "unknown NotFound []",
        "compress Ok true",
        "uncompress Ok text text text text",
        "malformed SerializationFailure []",
        "end",
      ],
      upstream: message("GET /foreign"),
      client: message("200"),
    },
  },
];
