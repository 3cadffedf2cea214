import assert from "node:assert/strict";
import { test } from "node:test";
import type { CertificateTime } from "../certificates/index.ts";
import { CertificateEndings } from "./certificate-endings.ts";

const hour = 3_600_000;

test("what ends soon is told once a day, its end at once, and what is replaced no more", () => {
  const lines: string[] = [];
  let reloads = 0;
  let times: CertificateTime[] = [];
  const log = {
    warn: (_: object, text: string) => void lines.push(`warn: ${text}`),
    error: (_: object, text: string) => void lines.push(`error: ${text}`),
  } as unknown as ConstructorParameters<typeof CertificateEndings>[0]["log"];
  const endings = new CertificateEndings({ times: () => times, onEnded: () => (reloads += 1), log });
  const look = (hours: number): string[] => {
    lines.length = 0;
    endings.look(hours * hour);
    return [...lines];
  };
  const web = (endsAt: number): CertificateTime => ({
    ...{ use: "certificate", name: "Certificate/web", beginsAt: 0, endsAt: endsAt * hour },
  });
  times = [web(400), { use: "authority", name: "the authority", beginsAt: 0, endsAt: 90_000 * hour }];
  assert.deepEqual(look(299), []);
  assert.deepEqual(look(300), ["warn: the certificate of Certificate/web ends at 1970-01-17T16:00:00.000Z"]);
  assert.deepEqual([look(301), look(323), look(324).length], [[], [], 1]);
  assert.equal(reloads, 0);
  assert.equal(look(399).length, 1);
  assert.deepEqual(look(400), ["error: the certificate of Certificate/web ended at 1970-01-17T16:00:00.000Z"]);
  assert.deepEqual([reloads, look(401), look(424).length, reloads], [1, [], 1, 1]);
  times = [web(4000)];
  assert.deepEqual(look(425), []);
});
