// The SDK's protobuf beside protobuf-es: what one writes, the other has to read.
import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { create, createFileRegistry, equals, fromBinary, toBinary, type DescMessage } from "@bufbuild/protobuf";
import {
  FieldDescriptorProto_Label as Label,
  FieldDescriptorProto_Type as Type,
  FileDescriptorProtoSchema,
  FileDescriptorSetSchema,
} from "@bufbuild/protobuf/wkt";
import fc from "fast-check";
import { ProxyWasmHost, type Plugin } from "@meshwright/host";
import { compile } from "../../setup/filters.mjs";

const everything = describeEverything();

let host: ProxyWasmHost;
let plugin: Plugin;
before(async () => {
  const folder = await mkdtemp(join(tmpdir(), "protobuf-"));
  try {
    const file = join(folder, "protobuf.wasm");
    await compile("assembly/encoding/__tests__/protobuf-fixture.ts", file);
    host = await ProxyWasmHost.load(await readFile(file));
  } finally {
    await rm(folder, { recursive: true });
  }
  plugin = host.startPlugin();
  assert.ok(plugin.ok, plugin.reason);
});
after(() => {
  host.close();
});

/** The message as the SDK writes what it read of it. */
function throughSdk(message: Uint8Array): string {
  const stream = plugin.newHttpStream();
  const headers = { ":method": "GET", ":path": "/", "x-message": Buffer.from(message).toString("hex") };
  stream.requestHeaders(headers, { endOfStream: true });
  stream.close();
  return stream.localResponse?.body ?? `no answer: ${plugin.trap}`;
}

const int64 = (min = -(2n ** 63n)): fc.Arbitrary<bigint> =>
  fc.bigInt({ min, max: min < 0n ? 2n ** 63n - 1n : 2n ** 64n - 1n });
// What JavaScript makes of this name in an object is no matter of protobuf.
const mapKey = fc.string().filter((key) => key !== "__proto__");
const anything = fc.letrec<{ message: Record<string, unknown> }>((tie) => ({
  message: fc.record(
    {
      int32: fc.integer(),
      uint64: int64(0n),
      sint64: int64(),
      bool: fc.boolean(),
      sfixed32: fc.integer(),
      fixed64: int64(0n),
      float: fc.float({ noNaN: true }),
      double: fc.double({ noNaN: true }),
      string: fc.string({ unit: "binary" }),
      bytes: fc.uint8Array({ maxLength: 300 }),
      message: fc.option(tie("message"), { nil: undefined, maxDepth: 2, depthIdentifier: "message" }),
      sint32s: fc.array(fc.integer()),
      doubles: fc.array(fc.double({ noNaN: true })),
      strings: fc.dictionary(mapKey, fc.string()),
      int64s: fc.dictionary(fc.nat().map(String), int64()),
    },
    { requiredKeys: [] },
  ),
})).message;

test("protobuf-es reads the same from what the SDK read and wrote", () => {
  fc.assert(
    fc.property(anything, (init) => {
      const message = create(everything, init);
      const answer = throughSdk(toBinary(everything, message));
      const read = fromBinary(everything, Buffer.from(answer, "hex"));
      assert.ok(equals(everything, read, message), answer);
    }),
    { numRuns: 100 },
  );
});

test("every cut of a message is a message or malformed, for both", () => {
  const whole = toBinary(
    everything,
    create(everything, { int32: -5, string: "text", sint32s: [1, -300], int64s: { 7: -1n } }),
  );
  for (let size = 0; size < whole.length; size += 1) {
    const cut = whole.subarray(0, size);
    const answer = throughSdk(cut);
    if (answer === "malformed") assert.throws(() => fromBinary(everything, cut), `${size} bytes`);
    else assert.ok(equals(everything, fromBinary(everything, Buffer.from(answer, "hex")), fromBinary(everything, cut)));
  }
});

/** A message with a field of every kind that is encoded differently. */
function describeEverything(): DescMessage {
  const field = (number: number, name: string, type: Type, label = Label.OPTIONAL, typeName = ""): object => ({
    number,
    name,
    jsonName: name,
    type,
    label,
    ...(typeName === "" ? {} : { typeName }),
  });
  const entry = (name: string, key: Type, value: Type): object => ({
    name,
    field: [field(1, "key", key), field(2, "value", value)],
    options: { mapEntry: true },
  });
  const file = create(FileDescriptorProtoSchema, {
    name: "everything.proto",
    package: "test",
    syntax: "proto3",
    messageType: [
      {
        name: "Everything",
        nestedType: [entry("StringsEntry", Type.STRING, Type.STRING), entry("Int64sEntry", Type.UINT32, Type.INT64)],
        field: [
          field(1, "int32", Type.INT32),
          field(2, "uint64", Type.UINT64),
          field(3, "sint64", Type.SINT64),
          field(4, "bool", Type.BOOL),
          field(5, "sfixed32", Type.SFIXED32),
          field(6, "fixed64", Type.FIXED64),
          field(7, "float", Type.FLOAT),
          field(8, "double", Type.DOUBLE),
          field(9, "string", Type.STRING),
          field(10, "bytes", Type.BYTES),
          field(11, "message", Type.MESSAGE, Label.OPTIONAL, ".test.Everything"),
          field(12, "sint32s", Type.SINT32, Label.REPEATED),
          field(13, "doubles", Type.DOUBLE, Label.REPEATED),
          field(14, "strings", Type.MESSAGE, Label.REPEATED, ".test.Everything.StringsEntry"),
          field(15, "int64s", Type.MESSAGE, Label.REPEATED, ".test.Everything.Int64sEntry"),
        ],
      },
    ],
  });
  const message = createFileRegistry(create(FileDescriptorSetSchema, { file: [file] })).getMessage("test.Everything");
  assert.ok(message);
  return message;
}
