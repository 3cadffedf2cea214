// Configurations of the three filters that more than one benchmark uses.
import { createHash } from "node:crypto";
import type { Json } from "./configuration.ts";

/** The API key of the requests. */
export const key = "bench-key";

export const apiKeys: Json = { keys: [{ name: "bench", sha256: createHash("sha256").update(key).digest("hex") }] };

/** A limit that no benchmark reaches. */
export const tokenBucket: Json = { maxTokens: 1_000_000, tokensPerFill: 1_000_000, fillInterval: "1s" };

export const experiments: Json = [
  {
    name: "version",
    header: "x-version",
    default: "v1",
    split: {
      key: [{ header: "x-user-id" }],
      variants: [
        { name: "v1", weight: 8000 },
        { name: "v2", weight: 2000 },
      ],
    },
  },
];
