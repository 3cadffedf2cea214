import assert from "node:assert/strict";
import { test } from "node:test";
import type { Source, SourceStatus } from "../source/index.ts";
import { until } from "../../test/support/until.ts";
import { SourceTeller, type Told } from "./tell-source.ts";

test("of several control planes, only the one that leads tells the source", async () => {
  const heard: (SourceStatus | undefined)[] = [];
  const source = { status: (status: SourceStatus | undefined) => heard.push(status) } as unknown as Source;
  const told = (leads: boolean): Told => ({
    leads,
    followed: { desired: undefined, refused: [], held: { kept: [], leftOut: [] }, appliedAt: undefined },
    release: undefined,
    views: [],
    fleet: { nodes: () => [] },
    stats: { of: () => undefined, figures: () => undefined } as unknown as Told["stats"],
  });
  let leads = false;
  let looks = 0;
  const teller = new SourceTeller(source, () => {
    looks++;
    return told(leads);
  });
  const next = async (): Promise<void> => {
    const before = looks;
    teller.changed();
    await until(() => looks > before, 10_000);
  };
  await next();
  assert.equal(heard.length, 0, "it has nothing to say yet");
  leads = true;
  await next();
  assert.deepEqual(
    heard.map((status) => status?.problems),
    [[]],
  );
  leads = false;
  await next();
  await next();
  teller.stop();
  assert.deepEqual(heard.slice(1), [undefined], "once, that another one tells it");
});
