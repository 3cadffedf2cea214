// A short run of `npm run fuzz`: the same cases each time, and some that nobody has seen.
import assert from "node:assert/strict";
import { randomInt } from "node:crypto";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { replayCommand, runSession } from "./fuzz/run.ts";
import { Story } from "./fuzz/story.ts";
import { subjectOf } from "./fuzz/subject.ts";
import { targets } from "./fuzz/targets.ts";
import { Values } from "./fuzz/values.ts";
import { moduleOf } from "./support/examples.ts";
import { seeded } from "./support/numbers.ts";

for (const target of targets()) {
  test(`${target.name} does not trap`, async () => {
    const subject = await subjectOf(target);
    for (const seed of [1, randomInt(2 ** 31)]) {
      for (const session of [0, 3]) {
        const finding = await runSession(subject, seed, session);
        assert.equal(finding, undefined, finding && `${replayCommand(finding)}\n${String(finding.error)}`);
      }
    }
  });

  test(`${target.name} takes a configuration that the runs begin with`, async () => {
    const subject = await subjectOf(target);
    for (const rootId of subject.rootIds) {
      // A foreign function of some of the runs answers nonsense, and a plugin may refuse to start by it.
      const isUp = await Promise.all(
        [1, 2, 3, 4].map(async (seed) => {
          const story = await Story.start({ ...subject, rootIds: [rootId] }, new Values(seeded(seed), subject.words));
          story.close();
          return story.isUp;
        }),
      );
      assert.ok(isUp.includes(true), rootId);
    }
  });
}

test("a finding is the same when it is replayed", async () => {
  // This fixture traps when it is asked to, by a header.
  const module = readFileSync(await moduleOf("test/fixtures/probe.ts", "test/fixtures", "fixtures/probe"));
  const configurations = [{ mark: "a" }];
  const subject = await subjectOf({
    name: "probe",
    module: () => Promise.resolve(module),
    rootIds: ["probe"],
    configurations,
  });
  const finding = await runSession(subject, 5, 0);
  assert.ok(finding);
  assert.equal(replayCommand(finding), "npm run fuzz -- --seed 5 --only probe --session 0");
  const again = await runSession(subject, finding.seed, finding.session);
  assert.deepEqual([again?.cases, String(again?.error)], [finding.cases, String(finding.error)]);
});
