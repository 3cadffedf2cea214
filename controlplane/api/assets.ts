import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { extname } from "node:path";
import { fileURLToPath } from "node:url";
import { pathOf } from "../modules/index.ts";
import { matches } from "./fresh.ts";
import { send } from "./send.ts";

/** Where the dashboard is. */
export const DASHBOARD = "/dashboard/";

/** The files of the dashboard. There are no others: no path of a request becomes one of a file. */
const FILES = ["index.html", "app.js", "app.css", "icon.svg"] as const;
type File = (typeof FILES)[number];

const types: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
};

/**
 * What a page may do. It asks nobody but this server, runs no code that is not in its file, and is shown in no other page. Texts
 * of Envoys and of files cannot become code in it, even if the page had a fault.
 */
const headers = {
  "content-security-policy": [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join("; "),
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "permissions-policy": "camera=(), geolocation=(), microphone=()",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  "cache-control": "no-cache",
} as const;

interface Asset {
  readonly bytes: Buffer;
  readonly etag: string;
}

const assets = new Map<File, Asset>();

/**
 * Serves the files of the dashboard, to everybody: they are the same in every installation and hold nothing of this one. What the
 * page shows it asks the API for. Gives false when the request is for something else.
 */
export function serveAsset(request: IncomingMessage, response: ServerResponse): boolean {
  const path = pathOf(request);
  if (path === "/dashboard") {
    response.writeHead(308, { location: DASHBOARD }).end();
    return true;
  }
  if (!path.startsWith(DASHBOARD)) return false;
  const name = path.slice(DASHBOARD.length) || "index.html";
  const file = FILES.find((one) => one === name);
  if (request.method !== "GET" && request.method !== "HEAD") {
    response.writeHead(405, { allow: "GET, HEAD" }).end();
  } else if (file === undefined) send(response, 404, { error: `nothing at ${path}` });
  else sendAsset(file, request, response);
  return true;
}

function sendAsset(file: File, request: IncomingMessage, response: ServerResponse): void {
  let asset: Asset;
  try {
    asset = read(file);
  } catch {
    send(response, 404, { error: "the dashboard is not built: `npm run build` in the repository does that" });
    return;
  }
  if (matches(request.headers["if-none-match"], asset.etag)) {
    response.writeHead(304, { ...headers, etag: asset.etag }).end();
    return;
  }
  response.writeHead(200, {
    ...headers,
    "content-type": types[extname(file)] ?? "application/octet-stream",
    "content-length": asset.bytes.length,
    etag: asset.etag,
  });
  response.end(request.method === "HEAD" ? undefined : asset.bytes);
}

/** They are read once: a program that is replaced is started again. */
function read(file: File): Asset {
  let asset = assets.get(file);
  if (asset === undefined) {
    // As package.json maps it, the same from the sources and from what is built of them.
    const bytes = readFileSync(fileURLToPath(import.meta.resolve(`#dashboard/${file}`)));
    asset = { bytes, etag: `"${createHash("sha256").update(bytes).digest("base64url").slice(0, 22)}"` };
    assets.set(file, asset);
  }
  return asset;
}
