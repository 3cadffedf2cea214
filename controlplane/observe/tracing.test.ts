import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fromBinary, fromJsonString } from "@bufbuild/protobuf";
import { ExportTraceServiceRequestSchema } from "#gen/opentelemetry/proto/collector/trace/v1/trace_service_pb.js";
import type { Span } from "#gen/opentelemetry/proto/trace/v1/trace_pb.js";
import { TypeUrl } from "../xds/index.ts";
import { serviceText, startPlane } from "./testdata/plane.ts";
import { startTracing } from "./index.ts";

interface Received {
  readonly contentType: string;
  readonly service: string | undefined;
  readonly spans: Span[];
}

/** A receiver of OTLP over HTTP. */
async function receiver(): Promise<{ url: string; received: Received[]; close(): void }> {
  const received: Received[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      assert.equal(request.url, "/v1/traces");
      const contentType = request.headers["content-type"] ?? "";
      const body = Buffer.concat(chunks);
      const message =
        contentType === "application/json"
          ? fromJsonString(ExportTraceServiceRequestSchema, oldNames(body.toString()), { ignoreUnknownFields: true })
          : fromBinary(ExportTraceServiceRequestSchema, body);
      for (const { resource, instrumentationLibrarySpans } of message.resourceSpans) {
        const name = resource?.attributes.find(({ key }) => key === "service.name")?.value?.value;
        received.push({
          contentType,
          service: name?.case === "stringValue" ? name.value : undefined,
          spans: instrumentationLibrarySpans.flatMap(({ spans }) => spans),
        });
      }
      response.writeHead(200, { "content-type": contentType }).end(contentType === "application/json" ? "{}" : "");
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
  return {
    url,
    received,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

/**
 * OTLP's JSON has ids in hex, where that of protobuf has base64. The messages here are of a version before fields got other names;
 * their numbers are the same.
 */
function oldNames(json: string): string {
  return json
    .replaceAll('"scopeSpans"', '"instrumentationLibrarySpans"')
    .replace(
      /"(traceId|spanId|parentSpanId)":"([0-9a-f]*)"/g,
      (_, key: string, hex: string) => `"${key}":"${Buffer.from(hex, "hex").toString("base64")}"`,
    );
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

/** As the exporters read it: from the process. */
function setEnvironment(values: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(values)) process.env[name] = value;
}

afterEach(() => {
  for (const name of Object.keys(process.env)) if (name.startsWith("OTEL_")) Reflect.deleteProperty(process.env, name);
});

for (const [protocol, contentType] of [
  ["http/protobuf", "application/x-protobuf"],
  ["http/json", "application/json"],
] as const) {
  test(`${protocol}: a reload with its parts, and what sidecars are sent of it until they answer, are one trace`, async () => {
    const collector = await receiver();
    setEnvironment({
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      OTEL_EXPORTER_OTLP_PROTOCOL: protocol,
      OTEL_RESOURCE_ATTRIBUTES: "service.name=mesh-eu",
    });
    const tracing = await startTracing(process.env);
    assert.ok(tracing);
    const web = serviceText("web", 8000);
    const plane = await startPlane(web, { watch: (activity) => tracing.watch(activity) });
    const stream = plane.connect("web-1", TypeUrl.cluster);
    stream.send({ typeUrl: TypeUrl.cluster, responseNonce: (await stream.next()).nonce });
    await plane.change(web + serviceText("db", 8010));
    const { nonce } = await stream.next();
    await sleep(20);
    stream.send({ typeUrl: TypeUrl.cluster, responseNonce: nonce, errorDetail: { code: 3, message: "no such thing" } });
    await plane.change("kind: Servic");
    for (let i = 0; i < 100 && plane.plane.activity.counts().rejecting === 0; i++) await sleep(10);
    await plane.close();
    await tracing.close();
    collector.close();

    assert.ok(collector.received.every((one) => one.contentType === contentType && one.service === "mesh-eu"));
    const spans = collector.received.flatMap((one) => one.spans);
    const reloads = spans.filter(({ name }) => name === "reload");
    assert.deepEqual(
      reloads.map(({ attributes }) => attributes[0]?.value?.value.value),
      ["applied", "applied", "refused"],
    );
    const children = spans.filter(
      ({ parentSpanId }) => hex(parentSpanId) === hex(reloads[1]?.spanId ?? new Uint8Array()),
    );
    assert.deepEqual(
      children.map(({ name }) => name),
      ["read", "modules", "check", "translate", "push"],
    );
    assert.ok(children.every(({ traceId }) => hex(traceId) === hex(reloads[1]?.traceId ?? new Uint8Array())));
    const push = children.at(-1);
    assert.ok(push);
    assert.equal(push.status?.message, "no such thing");
    assert.ok(push.endTimeUnixNano - push.startTimeUnixNano >= 15_000_000n);
    const first = spans.find(({ name, status }) => name === "push" && status?.message === "");
    assert.ok(first);
    assert.equal(first.parentSpanId.length, 0, "what a sidecar is sent when it connects belongs to no change");
  });
}

describe("without being asked to", () => {
  const off: Record<string, string>[] = [
    {},
    { OTEL_TRACES_EXPORTER: "none", OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:1" },
    { OTEL_SDK_DISABLED: "true", OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:1" },
  ];
  for (const environment of off)
    test(`nothing is sent: ${JSON.stringify(environment)}`, async () =>
      assert.equal(await startTracing(environment), undefined));
});

describe("what cannot be done is refused", () => {
  const on = { OTEL_TRACES_EXPORTER: "otlp" };
  const cases: [environment: Record<string, string>, message: RegExp][] = [
    [{ OTEL_TRACES_EXPORTER: "zipkin" }, /OTEL_TRACES_EXPORTER: found "zipkin", expected otlp or none/],
    [{ ...on, OTEL_EXPORTER_OTLP_PROTOCOL: "grpc" }, /found "grpc", expected http\/protobuf or http\/json/],
    [{ ...on, OTEL_TRACES_SAMPLER: "jaeger_remote" }, /OTEL_TRACES_SAMPLER: found "jaeger_remote"/],
    [{ ...on, OTEL_TRACES_SAMPLER: "traceidratio", OTEL_TRACES_SAMPLER_ARG: "2" }, /found "2", expected a number/],
    [{ ...on, OTEL_BSP_SCHEDULE_DELAY: "5s" }, /OTEL_BSP_SCHEDULE_DELAY: found "5s"/],
  ];
  for (const [environment, message] of cases)
    test(JSON.stringify(environment), () => assert.rejects(startTracing(environment), message));
});
