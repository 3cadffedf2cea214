import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { createServer, type Server } from "node:http";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

/** The compiler runs as a program of its own, because its type declarations replace those of JavaScript's arrays. */
const ASC = fileURLToPath(new URL("../../../node_modules/assemblyscript/bin/asc.js", import.meta.url));

export interface Module {
  readonly bytes: Uint8Array;
  readonly sha256: string;
}

/** Compiles a filter that adds the response header `x-filter: <version>`, or refuses every configuration. */
export async function compileFilter(version: string, acceptsConfiguration = true): Promise<Module> {
  const source = `
    @external("env", "proxy_add_header_map_value")
    declare function addHeader(map: i32, key: usize, keySize: usize, value: usize, valueSize: usize): i32;
    const key = memory.data<u8>([${bytesOf("x-filter")}]);
    const value = memory.data<u8>([${bytesOf(version)}]);
    export function proxy_abi_version_0_2_1(): void {}
    export function proxy_on_memory_allocate(size: usize): usize { return heap.alloc(size); }
    export function proxy_on_context_create(id: u32, parent: u32): void {}
    export function proxy_on_vm_start(id: u32, size: u32): bool { return true; }
    export function proxy_on_configure(id: u32, size: u32): bool { return ${acceptsConfiguration}; }
    export function proxy_on_response_headers(id: u32, count: u32, end: u32): u32 {
      addHeader(2, key, 8, value, ${version.length});
      return 0;
    }`;
  return compileSource(source);
}

/** Compiles AssemblyScript that uses nothing but the ABI. */
export async function compileSource(source: string): Promise<Module> {
  const folder = await mkdtemp(join(tmpdir(), "meshwright-filter-"));
  try {
    await writeFile(join(folder, "filter.ts"), source);
    const options = [
      "--runtime",
      "stub",
      "--exportStart",
      "_initialize",
      "--use",
      "abort=",
      "-O3",
      "--outFile",
      "filter.wasm",
    ];
    await promisify(execFile)(process.execPath, [ASC, "filter.ts", ...options], { cwd: folder });
    const bytes = await readFile(join(folder, "filter.wasm"));
    return { bytes, sha256: createHash("sha256").update(bytes).digest("hex") };
  } finally {
    await rm(folder, { recursive: true });
  }
}

export interface ModuleServer {
  readonly port: number;
  /** The paths that were asked for, in order. */
  readonly requests: readonly string[];
  /** Holds back answers until it is called with `false`. */
  hold(held: boolean): void;
  close(): Promise<void>;
}

/** Serves modules under `/<sha256>`, and `ok` for every other path. */
export async function serveModules(modules: readonly Module[]): Promise<ModuleServer> {
  const bySha = new Map(modules.map(({ sha256, bytes }) => [sha256, bytes]));
  const requests: string[] = [];
  let waiting: (() => void)[] | undefined;
  const server: Server = createServer((request, response) => {
    const path = request.url ?? "/";
    const bytes = bySha.get(path.slice(1).split("?")[0] ?? "");
    if (bytes === undefined) {
      response.end("ok");
      return;
    }
    requests.push(path);
    const answer = (): void => void response.end(bytes);
    if (waiting) waiting.push(answer);
    else answer();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    requests,
    hold: (held) => {
      for (const answer of waiting ?? []) answer();
      waiting = held ? [] : undefined;
    },
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

function bytesOf(text: string): string {
  return [...Buffer.from(text)].join();
}
