import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, request, type Server } from "node:http";
import { connect, type AddressInfo } from "node:net";
import { after, before, describe, test } from "node:test";
import { until } from "../../test/support/until.ts";
import { usualSettings } from "../inject/index.ts";
import { answerForPod } from "./pods.ts";
import type { AdmissionAnswer, AdmissionRequest } from "./review.ts";
import { admissionListener } from "./server.ts";

const asked = { uid: "u", operation: "CREATE", kind: { kind: "Pod" }, namespace: "n", object: {} };
const review = { apiVersion: "admission.k8s.io/v1", kind: "AdmissionReview", request: asked };

describe("admission webhooks answer", () => {
  const errors: unknown[] = [];
  let waiting: (() => void)[] = [];
  let server: Server;
  let impatient: Server;
  let port = 0;
  before(async () => {
    const slow = (): Promise<AdmissionAnswer> =>
      new Promise((resolve) => waiting.push(() => resolve({ allowed: true })));
    const fails = (): AdmissionAnswer => {
      throw new Error("a fault with a secret in it");
    };
    const settings = usualSettings();
    const inject = answerForPod;
    const reviewers = {
      "/inject": (asked: AdmissionRequest) => inject(asked, { settings, trust: () => "x" }),
      "/slow": slow,
      "/fails": fails,
    };
    const onError = (error: unknown): unknown => errors.push(error);
    server = createServer(admissionListener(reviewers, onError)).listen(0, "127.0.0.1");
    impatient = createServer(admissionListener(reviewers, onError, { bodyMs: 1_000 })).listen(0, "127.0.0.1");
    await Promise.all([once(server, "listening"), once(impatient, "listening")]);
    ({ port } = server.address() as AddressInfo);
  });
  after(() => {
    for (const one of [server, impatient]) one.close().closeAllConnections();
  });

  const post = (path: string, body: string | Buffer, type = "application/json", method = "POST", to = port) =>
    new Promise<{ status: number; body: string }>((resolve, reject) => {
      const sent = request({ port: to, path, method, headers: { "content-type": type } }, (response) => {
        let text = "";
        response.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
        response.on("end", () => resolve({ status: response.statusCode ?? 0, body: text }));
      });
      sent.on("error", reject);
      sent.end(body);
    });
  const responseOf = async (
    request: object,
  ): Promise<AdmissionAnswer & { uid: string; status?: { message: string } }> => {
    const { status, body } = await post("/inject", JSON.stringify({ ...review, request }));
    assert.equal(status, 200, body);
    return (JSON.parse(body) as { response: ReturnType<typeof responseOf> }).response;
  };

  for (const [what, body, status, type, path = "/inject", method] of [
    ["no JSON", "{", 400],
    ["nothing", "", 400],
    ["bytes that are no text", Buffer.from([0xff, 0xfe, 0]), 400],
    ["no object", "[]", 400],
    ["deep JSON", "[".repeat(1_000_000), 400],
    ["an older version", JSON.stringify({ ...review, apiVersion: "admission.k8s.io/v1beta1" }), 400],
    ["another kind", JSON.stringify({ ...review, kind: "Pod" }), 400],
    ["no request", JSON.stringify({ ...review, request: null }), 400],
    ["a uid that is no text", JSON.stringify({ ...review, request: { ...asked, uid: 1 } }), 400],
    ["a uid without end", JSON.stringify({ ...review, request: { ...asked, uid: "u".repeat(2_000) } }), 400],
    ["no kind", JSON.stringify({ ...review, request: { ...asked, kind: "Pod" } }), 400],
    ["an operation that is a list", JSON.stringify({ ...review, request: { ...asked, operation: [] } }), 400],
    ["more than 4 MiB", Buffer.alloc(4 * 1024 * 1024 + 1, 32), 413],
    ["another type of content", JSON.stringify(review), 415, "text/plain"],
    ["another path", JSON.stringify(review), 404, "application/json", "/"],
    ["a path of JavaScript's own", JSON.stringify(review), 404, "application/json", "/constructor"],
    ["another method", JSON.stringify(review), 405, "application/json", "/inject", "PUT"],
  ] as const) {
    test(`${what} with ${String(status)}`, async () => {
      assert.equal((await post(path, body, type, method)).status, status);
    });
  }

  test("what is not for them by letting it pass", async () => {
    for (const change of [{ operation: "UPDATE" }, { operation: "DELETE", object: null }, { kind: { kind: "Job" } }]) {
      const { allowed, uid, patch } = await responseOf({ ...asked, ...change });
      assert.deepEqual([allowed, uid, patch], [true, "u", undefined]);
    }
  });

  test("what is no pod by refusing it", async () => {
    const deep = { labels: JSON.parse(`${'{"a":'.repeat(2_000)}1${"}".repeat(2_000)}`) as object };
    for (const object of [null, 1, "pod", [], {}, { metadata: deep, spec: { containers: "x" } }]) {
      const { allowed, status } = await responseOf({ ...asked, object });
      assert.equal(allowed, false);
      assert.match(status?.message ?? "", /^the pod cannot get a sidecar: /);
    }
  });

  test("a fault of their own with 500, which says nothing of it", async () => {
    const { status, body } = await post("/fails", JSON.stringify(review));
    assert.equal(status, 500);
    assert.doesNotMatch(body, /secret/);
    assert.equal(errors.length, 1);
  });

  test("others while 64 are under way with 503, and then again", async () => {
    const open = Array.from({ length: 64 }, () => post("/slow", JSON.stringify(review)));
    await until(() => waiting.length === 64, 10_000);
    assert.equal((await post("/inject", JSON.stringify(review))).status, 503);
    for (const go of waiting) go();
    waiting = [];
    assert.deepEqual([...new Set((await Promise.all(open)).map(({ status }) => status))], [200]);
    assert.equal((await post("/inject", JSON.stringify(review))).status, 200);
  });

  test("nobody who sends slowly or goes away, and log no fault for it", async () => {
    const before = errors.length;
    const { port } = impatient.address() as AddressInfo;
    const head = "POST /inject HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{";
    const slow = Array.from({ length: 70 }, () => connect(port, "127.0.0.1").on("error", () => undefined));
    const ended = slow.map((socket) => once(socket.resume(), "close"));
    for (const socket of slow) socket.write(head);
    await Promise.all(ended);
    const gone = connect(port, "127.0.0.1");
    gone.write(head, () => gone.destroy());
    assert.equal((await post("/inject", JSON.stringify(review), undefined, undefined, port)).status, 200);
    assert.equal(errors.length, before);
  });
});
