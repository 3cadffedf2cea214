import { bodies, message, type Case } from "./case.ts";

export const bodiesCases: readonly Case[] = [
  {
    exchange: { scenario: "read-body", method: "POST", ...bodies },
    expected: {
      log: [
        "size 6 6",
        "all abcd\\xfff",
        "middle cd\\xff, tail \\xfff, none ",
        "past the end d\\xfff, beyond ",
        "size 6 6",
        "all abcd\\xfff",
        "middle cd\\xff, tail \\xfff, none ",
        "past the end d\\xfff, beyond ",
        "end",
      ],
      upstream: message("POST /read-body", [], "abcd\xfff"),
      client: message("200", [], "abcd\xfff"),
    },
  },
  {
    exchange: { scenario: "grow-body", method: "POST", ...bodies },
    expected: {
      log: [
        "size 6 6",
        "Ok \\xff<abcd\\xfff",
        "Ok \\xff<abcd\\xfff>\\xc3\\xa9",
        "Ok 11",
        "size 6 6",
        "Ok \\xff<abcd\\xfff",
        "Ok \\xff<abcd\\xfff>\\xc3\\xa9",
        "Ok 11",
        "end",
      ],
      upstream: message("POST /grow-body", [], "\xff<abcd\xfff>\xc3\xa9"),
      client: message("200", [], "\xff<abcd\xfff>\xc3\xa9"),
    },
  },
  {
    exchange: { scenario: "replace-body", method: "POST", ...bodies },
    expected: {
      log: [
        "size 6 6",
        "Ok 0",
        "Ok new",
        "Ok longer than before",
        "size 6 6",
        "Ok 0",
        "Ok new",
        "Ok longer than before",
        "end",
      ],
      upstream: message("POST /replace-body", [], "longer than before"),
      client: message("200", [], "longer than before"),
    },
  },
  {
    exchange: { scenario: "absent-body", method: "POST", ...bodies },
    expected: {
      log: ["request 0  BadArgument", "response 0  BadArgument", "end"],
      upstream: message("POST /absent-body", ["content-length: 6"], "abcd\xfff"),
      client: message("200", ["content-length: 6"], "abcd\xfff"),
    },
  },
];
