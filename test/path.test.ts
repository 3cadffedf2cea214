// Envoy's options for paths, and the SDK's: the same paths have to come to the same.
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import fc from "fast-check";
import { ProxyWasmHost, type Plugin } from "@meshwright/host";
import { compile } from "../setup/filters.mjs";
import { Envoy } from "./support/envoy.ts";
import { freePorts } from "./support/ports.ts";

const ACTIONS = ["KEEP_UNCHANGED", "REJECT_REQUEST", "UNESCAPE_AND_REDIRECT", "UNESCAPE_AND_FORWARD"] as const;

/** The options of one listener. */
interface Options {
  readonly normalizePath: boolean;
  readonly mergeSlashes: boolean;
  readonly action: number;
}

const everyOption: readonly Options[] = [false, true].flatMap((normalizePath) =>
  [false, true].flatMap((mergeSlashes) => ACTIONS.map((_, action) => ({ normalizePath, mergeSlashes, action }))),
);

const paths = [
  ["/", "//", "///", "/a//", "//a", "/a//b", "/a///b//", "/a//b?c//d", "//?x", "/?x//y", "/a?"],
  ["/.", "/..", "/./", "/../", "/a/.", "/a/..", "/a/./b", "/a/../b", "/a/b/../../../c", "/.a/..b", "/...", "/a/.."],
  ["/a//../b", "//..//a", "/a/..//b", "/a/.//b", "/.//..//a", "/a/..?x", "/a?b=/../c//d%2f"],
  ["/%2e", "/%2e%2e", "/a/%2e%2e/b", "/a/.%2E/b", "/a/%2e.", "/a/%2e%2eb", "/a%2e%2e/b", "/a/%2E%2E/%2e/c"],
  ["/a\\b", "/a\\..\\b", "/a\\\\b", "/a/\\..", "/\\", "/a/\\"],
  ["/a%2fb", "/a%5Cb", "/a%2f..%2fb", "/a%2f%2fb", "/a/%2f/b", "/a%5c..%5cb", "/%2f", "/%2F%2f", "//%2f", "/a/..%2fb"],
  ["/a%252fb", "/a%%2fb", "/a/.%2fb", "/%5c..", "/a%2F?b%2F", "/a/%2e%2e%2fb", "/a/b%2F..%2f..%2F..%2fc"],
  ["/a%", "/a%4", "/a%zz", "/a%%41", "/%4%41", "/%%34%31", "/%%341", "/%%34g", "/%2%35%32%46", "/%%2%46", "/a%%32F.."],
  ["/a%00b", "/a?%00", "/%41%7e", "/%c3%a9", '/a|b"<>^`{}', "/a;b/../c", "/;/../", "/a/...;/b", "/a/%2e%2e;/b"],
].flat();

/** Dot segments with parameters, which Envoy takes for dot segments from 1.40 on. */
const dotsWithParameters = [
  ["/a/..;/b", "/a/..;x=1/b", "/a/..;", "/a/.;x/b", "/a/.;", "/a/b/..;/..;/c", "/..;/a", "/a;/..;/b", "/a/..;x/../c"],
  [
    "/a/..;?x",
    "/a/..;x/y;z/b",
    "/a/..\\;b",
    "/a/..%5c;b",
    "/a\\..;x\\b",
    "/a/..;x\\b",
    "/a/..;%2fb",
    "/a/b%2f..;/c",
    "/..;x%00",
  ],
].flat();

const pieces = [
  "/",
  "//",
  ".",
  "..",
  "a",
  "2",
  "f",
  "%",
  "%4",
  "%2e",
  "%2F",
  "%5c",
  "%41",
  "%30",
  "\\",
  "?",
  "|",
  "%00",
];

describe("paths in Envoy and in the SDK", () => {
  const folder = mkdtempSync(join(tmpdir(), "meshwright-path-"));
  let host: ProxyWasmHost;
  let plugin: Plugin;
  let envoy: Envoy;
  let ports: readonly number[];
  let parametersCount = false;

  before(async () => {
    const module = join(folder, "path.wasm");
    await compile("test/fixtures/path.ts", module);
    host = await ProxyWasmHost.load(readFileSync(module));
    plugin = host.startPlugin();
    assert.ok(plugin.ok, plugin.reason);
    const [adminPort = 0, ...rest] = await freePorts(everyOption.length + 1);
    ports = rest;
    envoy = await Envoy.start("paths", configuration(ports, adminPort), adminPort);
    const version = /\/1\.(\d+)\.\d+\//.exec(await envoy.admin("/server_info"))?.[1];
    assert.ok(version !== undefined, "the version of Envoy");
    parametersCount = Number(version) >= 40;
  });
  after(async () => {
    host.close();
    await envoy.stop();
    rmSync(folder, { recursive: true });
  });

  /** The path that goes on, `400`, or `307` and the path that the client is sent to. */
  const inSdk = (path: string, { normalizePath, mergeSlashes, action }: Options): string => {
    const stream = plugin.newHttpStream();
    const options = `${Number(normalizePath)}${Number(mergeSlashes)}${action}`;
    stream.requestHeaders({ ":method": "GET", ":path": path, "x-options": options }, { endOfStream: true });
    stream.close();
    const [verdict = "", result = ""] = stream.localResponse?.body.split(" ") ?? [];
    switch (verdict) {
      case "0":
        return result;
      case "1":
        return "400";
      case "2":
        return `307 ${result}`;
      default:
        throw new Error(plugin.trap ?? `unexpected verdict "${verdict}"`);
    }
  };

  const compare = async (path: string): Promise<void> => {
    const inEnvoy = await Promise.all(ports.map((port) => ask(port, path)));
    everyOption.forEach((options, i) => {
      assert.equal(inSdk(path, options), inEnvoy[i], `${JSON.stringify(path)} with ${JSON.stringify(options)}`);
    });
  };

  test("come to the same", async () => {
    for (const path of paths) await compare(path);
  });

  test("come to the same with parameters in dot segments", async (context) => {
    if (!parametersCount) {
      context.skip("Envoy before 1.40 knows no such dot segments");
      return;
    }
    for (const path of dotsWithParameters) await compare(path);
  });

  test("come to the same, whatever they are made of", async () => {
    const words = fc.constantFrom(...pieces, ...(parametersCount ? [";", "..;x"] : []));
    const path = fc.array(words, { maxLength: 12 }).map((parts) => `/${parts.join("")}`);
    await fc.assert(fc.asyncProperty(path, compare), { numRuns: 150 });
  });
});

/** What becomes of a request: the path that routes see, or the status with the `location`, if there is one. */
function ask(port: number, path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1");
    let answer = "";
    socket.setEncoding("latin1");
    socket.on("error", reject);
    socket.on("close", () => {
      reject(new Error(`no whole answer to ${path}: "${answer}"`));
    });
    socket.on("data", (text: string) => {
      answer += text;
      if (!answer.includes("\r\n\r\n")) return;
      const status = answer.slice("HTTP/1.1 ".length, "HTTP/1.1 ".length + 3);
      const location = /^location: (.*)\r$/im.exec(answer)?.[1];
      const seen = /^x-path: <(.*)>\r$/im.exec(answer)?.[1];
      resolve(status === "200" ? (seen ?? "no x-path") : location === undefined ? status : `${status} ${location}`);
      socket.destroy();
    });
    socket.write(`GET ${path} HTTP/1.1\r\nhost: a\r\n\r\n`, "latin1");
  });
}

const address = (port: number): object => ({ socket_address: { address: "127.0.0.1", port_value: port } });

const typed = (type: string, value: object): object => ({
  "@type": `type.googleapis.com/envoy.extensions.filters.${type}`,
  ...value,
});

/** A listener for every combination of options; each tells the path in a response header. */
function configuration(ports: readonly number[], adminPort: number): string {
  const routes = [
    {
      match: { prefix: "" },
      direct_response: { status: 200 },
      response_headers_to_add: [{ header: { key: "x-path", value: "<%REQ(:PATH)%>" } }],
    },
  ];
  const manager = ({ normalizePath, mergeSlashes, action }: Options): object =>
    typed("network.http_connection_manager.v3.HttpConnectionManager", {
      stat_prefix: "paths",
      normalize_path: normalizePath,
      merge_slashes: mergeSlashes,
      path_with_escaped_slashes_action: ACTIONS[action],
      route_config: { virtual_hosts: [{ name: "all", domains: ["*"], routes }] },
      http_filters: [{ name: "router", typed_config: typed("http.router.v3.Router", {}) }],
    });
  const listeners = everyOption.map((options, i) => ({
    name: `paths-${i}`,
    address: address(ports[i] ?? 0),
    filter_chains: [{ filters: [{ name: "manager", typed_config: manager(options) }] }],
  }));
  return JSON.stringify({ admin: { address: address(adminPort) }, static_resources: { listeners } });
}
