import assert from "node:assert/strict";
import { test } from "node:test";

import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";

import { DeltaDiscoveryRequestSchema, DiscoveryRequestSchema } from "#gen/envoy/service/discovery/v3/discovery_pb.js";

import { decodeDelta, decodeSotw } from "./decode.ts";

const text = fc.string({ unit: "grapheme", maxLength: 40 });
const names = fc.array(text, { maxLength: 40 });

test("what protobuf-es writes of an incremental request is read as it reads it", () => {
  const versions = fc.dictionary(text, text, { maxKeys: 20 });
  fc.assert(
    fc.property(text, names, names, versions, text, fc.option(text), (typeUrl, on, off, initial, nonce, message) => {
      const bytes = toBinary(
        DeltaDiscoveryRequestSchema,
        create(DeltaDiscoveryRequestSchema, {
          node: { id: "n" },
          typeUrl,
          resourceNamesSubscribe: on,
          resourceNamesUnsubscribe: off,
          initialResourceVersions: initial,
          responseNonce: nonce,
          ...(message === null ? {} : { errorDetail: { message } }),
        }),
      );
      const read = fromBinary(DeltaDiscoveryRequestSchema, bytes);
      const { node, request } = decodeDelta(bytes);
      assert.equal(node?.id, "n");
      assert.deepEqual(request, {
        typeUrl: read.typeUrl,
        subscribe: read.resourceNamesSubscribe,
        unsubscribe: read.resourceNamesUnsubscribe,
        // As they were written: what protobuf-es reads is an object, which cannot have the key __proto__.
        initialVersions: new Map(Object.entries(initial)),
        nonce: read.responseNonce,
        ...(message === null ? {} : { error: message }),
      });
    }),
    { examples: [["", [], [], { ["__proto__"]: "1" }, "", null]] },
  );
});

test("what protobuf-es writes of a request for the state of the world is read as it reads it", () => {
  fc.assert(
    fc.property(text, names, text, text, (typeUrl, asked, version, nonce) => {
      const fields = { typeUrl, resourceNames: asked, versionInfo: version, responseNonce: nonce };
      const bytes = toBinary(DiscoveryRequestSchema, create(DiscoveryRequestSchema, fields));
      const expected = { typeUrl, names: asked, version, nonce };
      assert.deepEqual(decodeSotw(bytes), { node: undefined, request: expected });
    }),
  );
});

test("a long list of names that was read before is the same list again", () => {
  const long = Array.from({ length: 100 }, (_, index) => `name-${index}`);
  const request = (resourceNames: string[]): Uint8Array =>
    toBinary(DiscoveryRequestSchema, create(DiscoveryRequestSchema, { resourceNames }));
  const first = decodeSotw(request(long)).request.names;
  assert.deepEqual(first, long);
  assert.equal(decodeSotw(request(long)).request.names, first);
  assert.deepEqual(decodeSotw(request([...long, "more"])).request.names, [...long, "more"]);
});

test("names may be apart, and tags longer than they need to be", () => {
  const bytes = Buffer.from([0x1a, 1, 97, 0x22, 1, 116, 0x1a, 1, 98, 0x9a, 0, 1, 99]);
  assert.deepEqual(decodeSotw(bytes).request, { typeUrl: "t", names: ["a", "b", "c"], version: "", nonce: "" });
});

test("fields that are not known are skipped, and what is no message is an error", () => {
  const field = Buffer.from([0x78, 1, 0x22, 1, 116]);
  assert.equal(decodeSotw(field).request.typeUrl, "t");
  const cutOff = Buffer.from([0x1a, 200, 97]);
  const wrongType = Buffer.from([0x18, 1]);
  const endless = Buffer.from([0x1a, 0xff, 0xff, 0xff, 0xff, 0x0f, 97]);
  for (const bytes of [cutOff, wrongType, endless, Buffer.from([0x1a]), Buffer.from([0])]) {
    assert.throws(() => decodeSotw(bytes), Error, bytes.toString("hex"));
    assert.throws(() => decodeDelta(bytes), Error, bytes.toString("hex"));
  }
});
