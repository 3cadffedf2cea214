import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { Envoy } from "./support/envoy.ts";
import { get } from "./support/http.ts";
import type { Mesh } from "./support/mesh.ts";
import { startOneService, writePolicy, type OneService } from "./support/one-service.ts";

describe("a filter that traps", () => {
  let service: OneService;
  let mesh: Mesh;
  let envoy: Envoy;
  let port = 0;

  before(async () => {
    service = await startOneService("reload");
    ({ mesh, envoy, port } = service);
  });
  after(() => service.stop());

  const trap = { headers: { "x-trap": "1" } };

  const use = async (failurePolicy: "FailReload" | "FailClosed" | "FailOpen", mark: string): Promise<void> => {
    writePolicy(mesh, { mark }, failurePolicy);
    // Workers switch one after another, and each new connection may go to any of them.
    await envoy.until(async () => {
      const answers = await Promise.all(Array.from({ length: 20 }, () => get(port, "/")));
      return answers.every(({ headers }) => headers["x-probe"] === mark);
    });
  };

  test("FailReload: the request fails closed, the VM is made anew, later requests are served and filtered", async () => {
    assert.equal((await get(port, "/", trap)).status, 503);
    // Envoy makes a new VM for a later request, after a pause of a second at most.
    await envoy.until(async () => (await get(port, "/")).headers["x-probe"] === "reload");
    // Once more: the new VM is as good as the first.
    assert.equal((await get(port, "/", trap)).status, 503);
    await envoy.until(async () => (await get(port, "/")).headers["x-probe"] === "reload");
    assert.match(envoy.process.output, /asked to trap at test\/fixtures\/probe\.ts:\d+:\d+/);
  });

  test("FailOpen: the request that trapped fails, later ones pass by the filter, until a new filter comes", async () => {
    await use("FailOpen", "open");
    // Envoy ends the streams of a VM that trapped, whatever the policy. Each worker has a VM of its own.
    assert.equal((await get(port, "/", trap)).status, 503);
    await envoy.until(async () => {
      await get(port, "/", trap);
      const answers = await Promise.all(Array.from({ length: 20 }, () => get(port, "/")));
      assert.deepEqual([...new Set(answers.map(({ status }) => status))], [200]);
      return answers.every(({ headers }) => headers["x-probe"] === undefined);
    });
    await use("FailReload", "again");
  });

  test("FailClosed: requests fail until a new filter comes", async () => {
    await use("FailClosed", "closed");
    assert.equal((await get(port, "/", trap)).status, 503);
    await envoy.until(async () => {
      await get(port, "/", trap);
      return (await get(port, "/")).status === 503;
    });
    await use("FailReload", "recovered");
  });
});
