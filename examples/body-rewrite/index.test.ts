import assert from "node:assert/strict";
import { test } from "node:test";
import { testFilter } from "@meshwright/host";
import { exampleModule } from "../../test/support/examples.ts";
import { PAGE } from "./upstream.mjs";

const module = await exampleModule("body-rewrite");
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();

async function rewritten(mode: string, find: string, replace: string, body: readonly string[], type = "text/html") {
  const filter = await testFilter(module, { configuration: { mode, find, replace } });
  const stream = filter.stream();
  stream.get("/", { "accept-encoding": "gzip" });
  assert.equal(stream.request.headers?.get("accept-encoding"), undefined);
  stream.respond({ headers: { "content-type": type, "content-length": "9" }, body });
  assert.equal(stream.response.headers?.get("content-length"), type === "text/html" ? undefined : "9");
  filter.close({ idle: true });
  return text(stream.response.body);
}

for (const mode of ["full", "streaming"]) {
  test(`${mode}: a page of 16 KiB in pieces`, async () => {
    const pieces = PAGE.match(/[^]{1,1000}/g) ?? [];
    assert.equal(await rewritten(mode, "http:", "https:", pieces), PAGE.replaceAll("http:", "https:"));
  });

  test(`${mode}: wherever a text is cut in two`, async () => {
    const whole = "abab-ababa-aab-ab";
    for (let cut = 1; cut < whole.length; ++cut) {
      const pieces = [whole.slice(0, cut), whole.slice(cut)];
      assert.equal(await rewritten(mode, "aba", "X", pieces), whole.replaceAll("aba", "X"), String(cut));
    }
  });

  test(`${mode}: what is no text passes as it is`, async () => {
    assert.equal(await rewritten(mode, "a", "b", ["aaa"], "image/png"), "aaa");
  });
}
