import { test } from "node:test";

import type { Protocol } from "../../controlplane/xds/index.ts";
import { play } from "./scenario.ts";

const BOTH: readonly Protocol[] = ["sotw", "delta"];
const SOTW: readonly Protocol[] = ["sotw"];
const DELTA: readonly Protocol[] = ["delta"];

/** The rules are those that the xDS protocol's specification and its clients keep to; scenario.ts says how to read a step. */
const SCENARIOS: readonly (readonly [title: string, variants: readonly Protocol[], steps: string])[] = [
  [
    "R2: the node comes once, and every type is served",
    BOTH,
    `serve CDS c@1 | EDS e@1 | LDS l@1 | RDS r@1 | SRDS s@1 | SDS k@1 | ECDS f@1 | RTDS t@1; ask CDS;
      > CDS c@1; ask EDS e; > EDS e@1; ack CDS; ask LDS; > LDS l@1; ack LDS; ask RDS r; > RDS r@1;
      ask SRDS s; > SRDS s@1; ask SDS k; > SDS k@1; ask ECDS f; > ECDS f@1; ask RTDS t; > RTDS t@1`,
  ],
  [
    "R4: a type that is not answered, or refused, holds up no other",
    BOTH,
    `serve SDS a@1 | RTDS t@1; ask SDS a; > SDS a@1; ask RTDS t; > RTDS t@1; ack RTDS;
      serve SDS a@2 | RTDS t@2; > RTDS t@2; ack RTDS; nack SDS; > SDS a@2; nack SDS;
      serve SDS a@2 | RTDS t@3; > RTDS t@3`,
  ],
  [
    "R5: the nonce of an earlier stream is no fault",
    BOTH,
    `serve SDS a@1; ask SDS a; > SDS a@1; reconnect; ask SDS a; > SDS a@1; ack SDS; silence`,
  ],
  [
    "R6: a stale nonce changes nothing",
    SOTW,
    `serve RDS a@1 b@1; ask RDS a; > RDS a@1; ack RDS; silence; serve RDS a@2 b@1; > RDS a@2; old RDS a b;
      silence; ack RDS a b; > RDS b@1`,
  ],
  [
    "R6: the latest request of a type supersedes those before",
    SOTW,
    `serve RDS a@1 b@1; ask RDS a; > RDS a@1; ack RDS a b; > RDS b@1; ack RDS b; serve RDS a@2 b@2;
      > RDS b@2`,
  ],
  [
    "R7: a refused version is not sent again, and a new one is",
    BOTH,
    `serve RDS a@1; ask RDS a; > RDS a@1; nack RDS; silence; serve RDS a@1 b@1; silence; serve RDS a@2;
      > RDS a@2; ack RDS; silence`,
  ],
  [
    "R7: so it is with clusters, after each was tried alone",
    SOTW,
    `serve CDS a@1 b@1; ask CDS; > CDS a@1 b@1; nack CDS; > CDS a@1; nack CDS; > CDS b@1; nack CDS; silence;
      serve CDS a@1 b@2; > CDS b@2; ack CDS; silence`,
  ],
  [
    "R7: of what was refused together, what is not at fault comes",
    DELTA,
    `serve SDS a@1 b@1 c@1; ask SDS; > SDS a@1 b@1 c@1; nack SDS; > SDS a@1 b@1; nack SDS; > SDS a@1; nack SDS;
      > SDS b@1; ack SDS; > SDS c@1; ack SDS; silence`,
  ],
  [
    "R7: a refusal may change the subscription",
    SOTW,
    `serve RDS a@1 b@1; ask RDS a; > RDS a@1; nack RDS a b; > RDS b@1`,
  ],
  ["R8: an acknowledgement is not answered", BOTH, `serve SDS a@1; ask SDS a; > SDS a@1; ack SDS; silence`],
  [
    "R8: names that are added are answered, though nothing changed",
    SOTW,
    `serve EDS a@1 b@1; ask EDS a; > EDS a@1; ack EDS a b; > EDS b@1`,
  ],
  [
    "R9: clusters and listeners come in full, and none of them is an answer",
    SOTW,
    `serve CDS a@1 b@1 | LDS l@1; ask CDS; > CDS a@1 b@1; ack CDS; ask LDS; > LDS l@1; ack LDS;
      serve CDS b@1; > LDS; ack LDS; > CDS b@1; ack CDS; serve LDS; > CDS; ack CDS; silence`,
  ],
  [
    "R9: absence of other types says nothing",
    SOTW,
    `serve EDS a@1 b@1; ask EDS a b; > EDS a@1 b@1; ack EDS; serve EDS b@1; silence; serve EDS a@2 b@1;
      > EDS a@2`,
  ],
  [
    "R10: no names are all of them, until there was a name; then none",
    SOTW,
    `serve CDS a@1 b@1; ask CDS; > CDS a@1 b@1; ack CDS a; silence; serve CDS a@2 b@2; > CDS a@2; ack CDS;
      ask CDS; silence; serve CDS a@3 b@3; silence`,
  ],
  [
    "R10: * stands for all, beside names and alone",
    SOTW,
    `serve CDS a@1 b@1; ask CDS * a; > CDS a@1 b@1; ack CDS a; serve CDS a@2 b@2; > CDS a@2; ack CDS *;
      > CDS a@2 b@2`,
  ],
  [
    "R11: a name that does not exist is sent when it does",
    SOTW,
    `serve RDS b@1; ask RDS a; silence; serve RDS a@1 b@1; > RDS a@1`,
  ],
  [
    "R12: changes during a response are sent once, as the latest; those that came to nothing are not",
    BOTH,
    `serve SDS a@1; ask SDS a; > SDS a@1; serve SDS a@2; serve SDS a@3; silence; ack SDS; > SDS a@3;
      ack SDS; serve SDS a@3; silence`,
  ],
  ["R12: a name that is asked for twice is sent once", BOTH, `serve SDS a@1; ask SDS a a; > SDS a@1`],
  [
    "R13: a client that has what is served is sent nothing on a new stream",
    SOTW,
    `serve CDS a@1 b@1 | RDS r@1 s@1; ask CDS; > CDS a@1 b@1; ack CDS; ask RDS r; > RDS r@1; ack RDS;
      silence; reconnect; ask CDS v=last; ask RDS v=last r; silence; serve CDS a@1 b@2 | RDS r@2 s@1;
      > CDS a@1 b@2; ack CDS; > RDS r@2`,
  ],
  [
    "R14: a stale nonce does not keep a subscription from changing",
    DELTA,
    `serve RDS a@1 b@1 c@1; ask RDS a; > RDS a@1; ack RDS; ask RDS b; > RDS b@1; old RDS c; silence;
      ack RDS; > RDS c@1; ack RDS -a; serve RDS a@2 b@2 c@1; > RDS b@2`,
  ],
  [
    "R14: a request without a nonce answers nothing",
    DELTA,
    `serve RDS a@1 b@1; ask RDS a; > RDS a@1; ask RDS b; silence; ack RDS; > RDS b@1`,
  ],
  [
    "R15: a name that is asked for is sent, though the client has it",
    DELTA,
    `serve RDS a@1; ask RDS a; > RDS a@1; ack RDS; ask RDS a; > RDS a@1; ack RDS; silence`,
  ],
  [
    "R16: what does not exist is said to be removed; it may come, go and come back",
    DELTA,
    `serve; ask RDS a; > RDS -a; ack RDS; silence; serve RDS a@1; > RDS a@1; ack RDS; serve; > RDS -a;
      ack RDS; serve RDS a@1; > RDS a@1`,
  ],
  [
    "R17: what the client has is not sent, what it has otherwise is, and what is gone is removed",
    DELTA,
    `serve SDS a@1 b@1 | RDS r@1 s@1; ask SDS a=1 b=0 c=1; > SDS b@1 -c; ack SDS; ask RDS r r=1; silence;
      ask RDS s s=1; > RDS s@1; ack RDS; silence`,
  ],
  [
    "R17: so it is on a new stream",
    DELTA,
    `serve CDS a@1; ask CDS; > CDS a@1; ack CDS; silence; reconnect; ask CDS a=1; silence; serve CDS a@2;
      > CDS a@2`,
  ],
  [
    "R18: a name is left in silence, one that was never asked for too",
    DELTA,
    `serve SDS a@1 b@1; ask SDS a b; > SDS a@1 b@1; ack SDS -a -x; silence; serve SDS a@2 b@1; silence`,
  ],
  [
    "R18: a name that the wildcard may still cover is told",
    DELTA,
    `serve SDS a@1; ask SDS * a b; > SDS a@1 -b; ack SDS -a; > SDS a@1; ack SDS -b; > SDS -b; ack SDS -x;
      silence`,
  ],
  [
    "R19: names do not leave the wildcard, and it is left by its name",
    DELTA,
    `serve SDS a@1 b@1; ask SDS; > SDS a@1 b@1; ack SDS a; > SDS a@1; ack SDS; serve SDS a@1 b@2;
      > SDS b@2; ack SDS -*; serve SDS a@2 b@3; > SDS a@2`,
  ],
  [
    "R20: virtual hosts by alias, by the name of their routes, and one that does not exist",
    DELTA,
    `serve VHDS r/a@1=r=r/a.com r/b@1=r/b.com; ask VHDS r; > VHDS r/a@1; ack VHDS; ask VHDS r/b.com;
      > VHDS r/b@1; ack VHDS; ask VHDS r/c.com; > VHDS r/c.com@; ack VHDS; silence;
      serve VHDS r/b@2=r/b.com r/c@1=r/c.com; > VHDS r/b@2 r/c@1 r@ -r/a; ack VHDS; silence`,
  ],
  ["R21: a wildcard to nothing is answered once", BOTH, `serve; ask CDS; > CDS; ack CDS; silence; ask LDS; > LDS`],
  [
    "R22: the new cluster, then the route, then the end of the old cluster",
    SOTW,
    `serve CDS x@1 | EDS x@1 | LDS l@1 | RDS r@1; ask CDS; > CDS x@1; ask EDS x; > EDS x@1; ack EDS;
      ack CDS; ask LDS; > LDS l@1; ack LDS; ask RDS r; > RDS r@1; ack RDS; silence;
      serve CDS y@1 | EDS y@1 | LDS l@1 | RDS r@2; > CDS x@1 y@1; silence; ack EDS x y; > EDS y@1; ack EDS;
      silence; ack CDS; > RDS r@2; silence; ack RDS; > CDS y@1; ack CDS; silence`,
  ],
  [
    "R22: the same",
    DELTA,
    `serve CDS x@1 | EDS x@1 | LDS l@1 | RDS r@1; ask CDS; > CDS x@1; ask EDS x; > EDS x@1; ack EDS;
      ack CDS; ask LDS; > LDS l@1; ack LDS; ask RDS r; > RDS r@1; ack RDS; silence;
      serve CDS y@1 | EDS y@1 | LDS l@1 | RDS r@2; > CDS y@1; silence; ask EDS y; > EDS y@1; ack EDS;
      silence; ack CDS; > RDS r@2; silence; ack RDS; > CDS -x; ack CDS; > EDS -x`,
  ],
  [
    "R23: a cluster that changes is followed by its endpoints, which did not",
    BOTH,
    `serve CDS a@1 | EDS a@1; ask CDS; > CDS a@1; ask EDS a; > EDS a@1; ack EDS; ack CDS; silence;
      serve CDS a@2 | EDS a@1; > CDS a@2; > EDS a@1; ack EDS; ack CDS; silence`,
  ],
  [
    "R24: types are asked for in any order, and what is not asked for is not sent",
    BOTH,
    `serve CDS c@1 | RDS r@1 | LDS l@1; ask RDS r; > RDS r@1; silence; ask LDS; > LDS l@1; ask CDS;
      > CDS c@1`,
  ],
  [
    "R26: filters come one by one, by name; one that is refused holds up no other",
    BOTH,
    `serve ECDS a@1 b@1 c@1; ask ECDS a c; > ECDS a@1; silence; nack ECDS; > ECDS c@1; ack ECDS; silence`,
  ],
  [
    "R27: an unknown type is not answered and ends nothing",
    BOTH,
    `serve SDS a@1; ask type.googleapis.com/unknown x; silence; ask SDS a; > SDS a@1`,
  ],
];

for (const [title, variants, steps] of SCENARIOS) {
  for (const variant of variants)
    test(`${variant}: ${title}`, { timeout: 10_000 }, () => play(variant, steps.split(/;\s+/)));
}

const TTL = ["xds.config.supports-resource-ttl", "xds.config.supports-resource-in-sotw"];
const mortal = "serve EDS a@1~300 b@1";

for (const variant of BOTH) {
  test(`${variant}: R25: heartbeats without a body, of the same version, until an update`, { timeout: 10_000 }, () =>
    play(
      variant,
      [
        mortal,
        "ask EDS a b",
        "> EDS a@1 b@1",
        "ack EDS",
        "> EDS a@1~",
        "ack EDS",
        "> EDS a@1~",
        "same version",
        "ack EDS",
        "serve EDS a@2 b@1",
        "> EDS a@2",
      ],
      TTL,
    ),
  );
  test(`${variant}: R25: a client that does not know of them gets none`, { timeout: 10_000 }, () =>
    play(variant, [mortal, "ask EDS a b", "> EDS a@1 b@1", "ack EDS", "silence"]),
  );
}
