// HTTP/2 METADATA in a real Envoy. Node cannot send it, so client and upstream speak in frames.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { compile } from "../setup/filters.mjs";
import { address, cluster, listener, manager, plugin, typed } from "./support/callouts/configuration.ts";
import { Envoy } from "./support/envoy.ts";
import { fields, Flag, frame, FrameReader, FrameType, metadata, PREFACE } from "./support/http2-frames.ts";
import { freePorts, listen, portOf } from "./support/ports.ts";

const request = {
  ":method": "GET",
  ":scheme": "http",
  ":path": "/",
  ":authority": "a.example",
};

test("METADATA reaches the filter in both directions", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "meshwright-metadata-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const module = join(folder, "metadata.wasm");
  await compile("test/fixtures/metadata.ts", module);

  // Answers each request with metadata.
  const upstream = createServer((socket) => {
    const reader = new FrameReader();
    let preface = PREFACE.length;
    socket.on("error", () => undefined);
    socket.write(frame(FrameType.Settings, Flag.None, 0));
    socket.on("data", (data) => {
      const skipped = Math.min(preface, data.length);
      preface -= skipped;
      for (const { type, flags, stream } of reader.push(data.subarray(skipped))) {
        if (type === FrameType.Settings && !(flags & Flag.Ack)) socket.write(frame(FrameType.Settings, Flag.Ack, 0));
        if (stream === 0 || !(flags & Flag.EndStream) || type > FrameType.Headers) continue;
        socket.write(frame(FrameType.Headers, Flag.EndHeaders, stream, fields({ ":status": "200" })));
        socket.write(metadata(stream, { one: "1", two: "2", three: "3" }));
        socket.write(frame(FrameType.Data, Flag.EndStream, stream));
      }
    });
  });
  await listen(upstream);
  t.after(() => upstream.close());

  const [admin = 0, port = 0] = await freePorts(2);
  const allow = { http2_protocol_options: { allow_metadata: true } };
  const filter = {
    name: "wasm",
    typed_config: typed("filters.http.wasm.v3.Wasm", { config: plugin(module, "metadata", "metadata") }),
  };
  const app = {
    ...cluster("app", portOf(upstream)),
    typed_extension_protocol_options: {
      "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": typed("upstreams.http.v3.HttpProtocolOptions", {
        explicit_http_config: allow,
      }),
    },
  };
  const configuration = {
    admin: { address: address(admin) },
    static_resources: {
      listeners: [listener("http", port, [manager("http", [filter], { codec_type: "HTTP2", ...allow })])],
      clusters: [app],
    },
  };
  const envoy = await Envoy.start("metadata", JSON.stringify(configuration), admin, {
    concurrency: 1,
    logLevel: "info",
  });
  t.after(() => envoy.stop());
  await envoy.until(async () => (await envoy.admin("/ready")).startsWith("LIVE"));

  const client = connect(port, "127.0.0.1");
  client.on("error", () => undefined);
  t.after(() => client.destroy());
  client.write(PREFACE);
  client.write(frame(FrameType.Settings, Flag.None, 0));
  client.write(frame(FrameType.Headers, Flag.EndHeaders, 1, fields(request)));
  client.write(metadata(1, { one: "1", two: "2" }));
  client.write(frame(FrameType.Data, Flag.EndStream, 1));
  await envoy.process.waitFor(/metadata: request 2\n/);
  await envoy.process.waitFor(/metadata: response 3\n/);
  assert.doesNotMatch(envoy.process.output, /Wasm VM failed/);
});
