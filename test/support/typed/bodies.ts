import type { Exchange, HeaderLines, Message } from "../exchange.ts";
import { both, message, type Case } from "../sdk/case.ts";

const trailers: HeaderLines = [["x-one", "1"]];
const arrivedTrailers = ["x-one: 1"];

const sized = (...body: string[]): Message => ({
  headers: [["content-length", String(body.join("").length)]],
  body,
});

/** What the same message comes to in both directions. */
function same(
  scenario: string,
  sent: Message,
  body: string,
  expected: {
    readonly headers?: readonly string[];
    readonly trailers?: readonly string[];
    readonly log?: string[];
  } = {},
): Case {
  const { headers = [], trailers: ends = [], log = [] } = expected;
  return {
    exchange: { scenario, method: "POST", ...both(sent) },
    expected: {
      log: [...log, "end"],
      upstream: message(`POST /${scenario}`, headers, body, ends),
      client: message("200", headers, body, ends),
    },
  };
}

/** A request that does not get through. */
function refused(scenario: string, request: Message, client: Case["expected"]["client"]): Case {
  return {
    exchange: { scenario, method: "POST", request },
    expected: { log: ["end"], upstream: undefined, client },
  };
}

function answered(exchange: Exchange, client: Case["expected"]["client"], log: readonly string[] = ["end"]): Case {
  const { method = "GET", scenario } = exchange;
  return { exchange, expected: { log, upstream: message(`${method} /${scenario}`), client } };
}

const tooLarge = message("413", ["content-type: text/plain"], "<Payload Too Large>");
const gaveWay = message("500", ["content-length: 21", "content-type: text/plain"], "Internal Server Error");
const long = "a body of 21 bytes...";

const buffered: readonly Case[] = [
  same("buffered", sized("abc", "def"), "<abcdef>"),
  same("buffered", { body: ["a b", "c d"] }, "<a bc d>"),
  same("buffered", { body: ["a b", "c d"], trailers }, "<a bc d>", { trailers: arrivedTrailers }),
  refused("buffered", sized("123456789"), tooLarge),
  refused("buffered", { body: ["1234", "56789"] }, tooLarge),
  answered({ scenario: "buffered", response: sized(long) }, gaveWay),
  // The headers are gone by then.
  answered({ scenario: "buffered", response: { body: [long.slice(0, 12), long.slice(12)] } }, undefined),
  answered({ scenario: "buffered" }, message("200")),
  answered({ scenario: "buffered", response: { status: 204 } }, message("204")),
];

const tooLargePasses: readonly Case[] = [
  same("too-large-passes", sized("1234", "5678"), "<12345678>"),
  same("too-large-passes", sized("1234", "56789"), "123456789", { headers: ["content-length: 9"] }),
  same("too-large-passes", { body: ["1234", "56789", "0"] }, "1234567890"),
  same("too-large-passes", { body: ["1234", "56789"], trailers }, "123456789", { trailers: arrivedTrailers }),
];

const readOnly: readonly Case[] = [
  same("read-only", sized("abc", "def"), "abcdef", {
    headers: ["content-length: 6"],
    log: ["request abcdef, response abcdef"],
  }),
  same("read-only", { body: ["a b", "c d"], trailers }, "a bc d", {
    trailers: arrivedTrailers,
    log: ["request a bc d, response a bc d"],
  }),
];

const resumed = ["Ok BadArgument", "Ok BadArgument"];
const held: readonly Case[] = [
  same("held", sized("abc", "def"), "of 6", { log: resumed }),
  same("held", { body: ["a b", "c d"], trailers }, "of 6", { trailers: arrivedTrailers, log: resumed }),
];

const streamed: readonly Case[] = [
  same("streamed", sized("abc", "def"), "<abcdef>"),
  same("streamed", { body: ["a b", "c", " ", "d", "e f"] }, "<a> <bc> <de> <f>"),
  same("streamed", { body: ["a b", "c d "], trailers }, "<a> <bc> <d> ", { trailers: arrivedTrailers }),
  // What was kept cannot go on any more.
  refused("streamed", { body: ["a b", "c d"], trailers }, undefined),
  answered({ scenario: "streamed" }, message("200")),
  answered({ scenario: "streamed", response: { status: 204 } }, message("204")),
  same("streamed-held", { body: ["a b", "c d"], trailers }, "<a> <bc> <d>", { trailers: arrivedTrailers }),
  same("streamed-held", { body: ["a b", "c d"] }, "<a> <bc> <d>"),
];

const replaced: readonly Case[] = [
  same("replaced", sized("abc", "def"), "replaced"),
  same("replaced", { body: ["a longer body", " in ", "several parts"] }, "replaced"),
  same("replaced", { body: ["a b", "c d"], trailers }, "replaced", { trailers: arrivedTrailers }),
  answered({ scenario: "replaced" }, message("200")),
];

export const bodiesCases: readonly Case[] = [
  ...buffered,
  ...tooLargePasses,
  ...readOnly,
  ...held,
  ...streamed,
  ...replaced,
];

/** What depends on where chunks end, which a connection does not keep. */
export const chunkCases: readonly Case[] = [
  // A word that is too long to be kept goes on as it is.
  same("streamed", { body: ["a longest", "-word b"] }, "a longest<-word> <b>"),
  same("streamed", { body: ["a longer", "-word b"] }, "<a> <longer-word> <b>"),
];

/** For a plugin that may hold headers while the body comes. */
export const heldHeadersCases: readonly Case[] = [
  same("with-headers", sized("abc", "def"), "<abcdef>", { headers: ["content-length: 8"] }),
  same("with-headers", { body: ["a b", "c d"] }, "<a bc d>", { headers: ["content-length: 8"] }),
  same("with-headers", { body: ["a b", "c d"], trailers }, "<a bc d>", { trailers: arrivedTrailers }),
  answered({ scenario: "with-headers", response: sized("123456789") }, gaveWay),
  answered({ scenario: "with-headers", response: { body: ["1234", "56789"] } }, gaveWay),
  answered({ scenario: "with-headers" }, message("200")),
];

/** A length of a body that does not come: of these, only a real connection knows. */
export const lengthOnlyCases: readonly Case[] = ["buffered", "too-large-passes", "streamed", "replaced"].flatMap(
  (scenario) => [
    answered({ scenario, method: "HEAD", response: sized("a length") }, message("200", ["content-length: 8"])),
    answered({ scenario, response: { status: 304, headers: [["etag", "x"]] } }, message("304")),
  ],
);
