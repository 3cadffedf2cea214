import { generateKeyPairSync } from "node:crypto";
import { headers, message, unchanged, type Case } from "../sdk/case.ts";

/** An exchange of which only the log is of interest. */
function logged(scenario: string, log: readonly string[], lines: Case["exchange"]["request"] = {}): Case {
  return {
    exchange: { scenario, request: lines },
    expected: {
      log: [...log, "end"],
      upstream: message(`GET /${scenario}`, (lines.headers ?? []).map(([name, value]) => `${name}: ${value}`).sort()),
      client: message("200"),
    },
  };
}

const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
const keys = {
  headers: [
    ["x-private", privateKey.export({ type: "pkcs8", format: "der" }).toString("base64")],
    ["x-public", publicKey.export({ type: "spki", format: "der" }).toString("base64")],
  ],
} as const;

const kind = (value: string, ...log: string[]): Case => logged("metrics", log, { headers: [["x-kind", value]] });

export const valuesCases: readonly Case[] = [
  {
    exchange: { scenario: "attributes", path: "/attributes?q=1", request: { headers } },
    expected: {
      log: [
        "path /attributes?q=1, without query /attributes",
        "query q=1 host test.example",
        "is GET true, is get false",
        "absent null false",
        "every value of a header a,,b true",
        "a header that is absent null",
        "bytes of a header \\xff\\xfe\\xc3\\xa9",
        "headers true 1 null",
        "beyond [] []",
        "a time true",
        "mtls false, id true",
        "ports true true",
        "response -1",
        "plugin scenarios typed",
        "response 200",
        "end",
      ],
      upstream: message("GET /attributes?q=1", unchanged),
      client: message("200"),
    },
  },
  logged("compression", [
    "smaller true",
    "again text text text text text text text text Ok",
    "too large null, large enough true",
    "cut null SerializationFailure",
    "malformed null SerializationFailure",
    "nothing []",
  ]),
  logged("signatures", ["can true true", "valid 0", "of another text 1", "bad key null Ok", "bad hash null Ok"], keys),
  logged("families", [
    "two 1 2 1",
    "combinations 3",
    "too few values Ok 1",
    "too many values 1",
    "no offset BadArgument",
    "cut to 100 bytes 1 0",
    "gauge Ok Ok",
    "gauge 3 0",
    "histogram Ok",
  ]),
  kind("a", "combinations 1, of this 1"),
  kind("b", "combinations 2, of this 1"),
  kind("a", "combinations 2, of this 2"),
  // There is no place for more.
  kind("c", "combinations 2, of this 1"),
  kind("d", "combinations 2, of this 2"),
  logged("updates", [
    "left Unchanged null",
    "Written after 2: ra",
    "Written after 1: raa",
    "Written after 3: raarra",
    "Contended after 3: raarrarrr",
    "create CasMismatch raarrarrr",
  ]),
  logged("locks", [
    "release what nobody holds false",
    "one true, two false, one again true",
    "two releases false, one true, one again false",
    "two true, which ends at once, one true",
    "two releases false, one true",
  ]),
  logged("numbers", [
    "100000 bytes, repeated false",
    "none true",
    "differ true",
    "within true, below 0: 0, below 1: 0",
  ]),
];

/** What the Node host does not have: it knows no CEL and no objects in filter state. */
export const envoyCases: readonly Case[] = [
  {
    exchange: { scenario: "expressions", request: { headers } },
    expected: {
      log: [
        "create Ok",
        "bool true",
        "of another type 7 8 0.5",
        "i64 9",
        "u64 7",
        "f64 3.0",
        "string 1!",
        "duration 1500000000",
        "list 2 b",
        "map b",
        "fails true InternalFailure",
        "malformed BadArgument true NotFound",
        "delete Ok true NotFound",
        "end",
      ],
      upstream: message("GET /expressions", unchanged),
      client: message("200"),
    },
  },
  logged("state", [
    "declared Ok Ok BadArgument Ok Ok",
    "absent null",
    "bytes Ok \\xffa",
    "again Ok b",
    "text Ok é",
    "once Ok BadArgument first",
    "of the connection null Ok",
    "message Ok",
    "field of it v",
  ]),
  logged("envoy-state", ["known Ok", "unknown NotFound", "read a.example"]),
];
