import assert from "node:assert/strict";
import { test } from "node:test";
import { HeaderMap } from "./header-map.ts";

test("names are lower-cased and looked up without case", () => {
  const headers = new HeaderMap("request", { "X-Token": "A" });
  assert.deepEqual(headers.entries(), [["x-token", "A"]]);
  assert.equal(headers.get("x-TOKEN"), "A");
});

test("pseudo-headers come first", () => {
  const headers = new HeaderMap("request", [
    ["a", "1"],
    [":path", "/"],
  ]);
  assert.deepEqual(headers.entries(), [
    [":path", "/"],
    ["a", "1"],
  ]);
});

test("a repeated header stays repeated", () => {
  const headers = new HeaderMap("request", { "x-a": ["1", "2"], cookie: ["a=1", "b=2"] });
  assert.deepEqual(headers.getAll("x-a"), ["1", "2"]);
  assert.deepEqual(headers.getAll("cookie"), ["a=1", "b=2"]);
  assert.equal(headers.size, 4);
});

test("a repeated header that Envoy keeps in one slot is joined", () => {
  const request = new HeaderMap("request", { authorization: ["a", "b"], accept: ["", "text/html", ""] });
  assert.deepEqual(request.getAll("authorization"), ["a,b"]);
  assert.deepEqual(request.getAll("accept"), ["text/html"]);
  assert.deepEqual(new HeaderMap("response", { authorization: ["a", "b"] }).getAll("authorization"), ["a", "b"]);
  assert.deepEqual(new HeaderMap("trailers", { "grpc-status": ["1", "2"], te: ["1", "2"] }).entries(), [
    ["grpc-status", "1,2"],
    ["te", "1"],
    ["te", "2"],
  ]);
});

test("host is another name of :authority in a request", () => {
  const request = new HeaderMap("request", { host: "a" });
  assert.deepEqual(request.entries(), [[":authority", "a"]]);
  assert.equal(request.get("Host"), "a");
  assert.deepEqual(new HeaderMap("response", { host: "a" }).entries(), [["host", "a"]]);
});

test("replace removes every value and adds one at the end", () => {
  const headers = new HeaderMap("request", { "x-a": ["1", "2"], "x-b": "3" });
  headers.replace("X-A", "4");
  assert.deepEqual(headers.entries(), [
    ["x-b", "3"],
    ["x-a", "4"],
  ]);
});

test("values are bytes, and their size is counted in bytes", () => {
  const value = Uint8Array.of(0xff, 0x00, 0xfe);
  const headers = new HeaderMap("request", [["x-bin", value]]);
  assert.deepEqual(headers.getBytes("x-bin"), value);
  assert.equal(headers.byteSize, 8);
});

test("a copy is a map of its own", () => {
  const headers = new HeaderMap("request", { a: "1" });
  const copy = headers.copy();
  headers.remove("a");
  assert.equal(copy.get("a"), "1");
});
