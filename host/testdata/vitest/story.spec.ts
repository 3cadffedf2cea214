import { expect, test } from "vitest";
import { testFilter } from "../../index.ts";
import { probe, step } from "../probe.ts";

test("a filter is tested in vitest as in node:test", async () => {
  const deny = step("proxy_send_local_response", 403, "denied", "no", "", -1);
  const filter = await testFilter(await probe({ callbacks: { proxy_on_request_headers: { steps: [deny] } } }));
  expect(filter.stream().get("/").localResponse?.status).toBe(403);
  filter.close({ idle: true });
});

test("a trap fails a test", async () => {
  const filter = await testFilter(await probe({ callbacks: { proxy_on_request_headers: { wat: "unreachable" } } }));
  expect(() => filter.stream().get("/")).toThrow(/proxy_on_request_headers trapped: unreachable/);
});
