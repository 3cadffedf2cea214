import { cors } from "./cors.ts";
import { grpc } from "./grpc-suites.ts";
import { httpAddresses } from "./http-addresses.ts";
import { httpHeaders } from "./http-headers.ts";
import { httpMatching } from "./http-matching.ts";
import { resilience } from "./resilience.ts";
import type { Suite } from "./suite.ts";

export const suites: readonly Suite[] = [
  ...httpMatching,
  ...httpHeaders,
  ...httpAddresses,
  ...cors,
  ...resilience,
  ...grpc,
];
