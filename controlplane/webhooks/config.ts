import { readFileSync } from "node:fs";
import { parseDocument } from "yaml";
import { EVENT_TYPES, USUAL_TYPES, type EventType } from "./payload.ts";

/** Where events of Rollouts are sent. */
export interface Webhook {
  /** For the log. */
  readonly name: string;
  readonly url: URL;
  readonly format: "Standard" | "Slack";
  /** The bytes that deliveries are signed with. */
  readonly secret: Buffer | undefined;
  readonly events: ReadonlySet<EventType>;
  /** Their names; undefined for all. */
  readonly rollouts: ReadonlySet<string> | undefined;
}

/** The file has faults, one a line, each with its place. */
export class WebhooksFileError extends Error {
  override readonly name = "WebhooksFileError";
}

const FIELDS = ["name", "url", "format", "secret", "events", "rollouts"];

/** @throws WebhooksFileError */
export function readWebhooks(file: string): readonly Webhook[] {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    throw new WebhooksFileError(`${file}: ${error instanceof Error ? error.message : String(error)}`);
  }
  return parseWebhooks(text, file);
}

/**
 * Reads a list under `webhooks`, as YAML or JSON.
 *
 * @throws WebhooksFileError
 */
export function parseWebhooks(text: string, file: string): readonly Webhook[] {
  const document = parseDocument(text, { logLevel: "silent" });
  const [fault] = document.errors;
  if (fault !== undefined) throw new WebhooksFileError(`${file}: ${fault.message}`);
  const value: unknown = document.toJS();
  const faults: string[] = [];
  const list = isObject(value) ? value["webhooks"] : undefined;
  if (!Array.isArray(list)) throw new WebhooksFileError(`${file}: webhooks: expected a list`);
  for (const key of Object.keys(value as object)) {
    if (key !== "webhooks") faults.push(`${key}: unknown field, expected webhooks`);
  }
  const webhooks = list.map((one: unknown, i) => parseWebhook(one, `webhooks[${i}]`, faults));
  const names = webhooks.map((one) => one?.name);
  names.forEach((name, i) => {
    if (name !== undefined && names.indexOf(name) < i) faults.push(`webhooks[${i}].name: "${name}" is there twice`);
  });
  if (faults.length > 0) throw new WebhooksFileError(faults.map((line) => `${file}: ${line}`).join("\n"));
  return webhooks.filter((one) => one !== undefined);
}

function parseWebhook(value: unknown, path: string, faults: string[]): Webhook | undefined {
  if (!isObject(value)) {
    faults.push(`${path}: expected an object`);
    return undefined;
  }
  const before = faults.length;
  for (const key of Object.keys(value)) {
    if (!FIELDS.includes(key)) faults.push(`${path}.${key}: unknown field, expected one of ${FIELDS.join(", ")}`);
  }
  const { name, format = "Standard" } = value;
  if (typeof name !== "string" || name === "") faults.push(`${path}.name: expected a name for the log`);
  if (format !== "Standard" && format !== "Slack") faults.push(`${path}.format: expected Standard or Slack`);
  const url = urlOf(value["url"], `${path}.url`, faults);
  const secret = secretOf(value["secret"], `${path}.secret`, faults);
  if (format === "Standard" && value["secret"] === undefined)
    faults.push(`${path}.secret: expected one, since a receiver cannot tell otherwise who wrote to it`);
  const events = namesOf(value["events"], `${path}.events`, faults) ?? USUAL_TYPES;
  for (const type of events) {
    if (!EVENT_TYPES.includes(type as EventType))
      faults.push(`${path}.events: found "${type}", expected some of ${EVENT_TYPES.join(", ")}`);
  }
  const rollouts = namesOf(value["rollouts"], `${path}.rollouts`, faults);
  if (faults.length > before || url === undefined) return undefined;
  return {
    ...{ name: name as string, url, format: format as Webhook["format"], secret },
    events: new Set(events as readonly EventType[]),
    rollouts: rollouts && new Set(rollouts),
  };
}

/** Without encryption only to this machine: a delivery tells what is served where. */
function urlOf(value: unknown, path: string, faults: string[]): URL | undefined {
  const url = typeof value === "string" && URL.canParse(value) ? new URL(value) : undefined;
  const isLocal = url?.protocol === "http:" && ["127.0.0.1", "[::1]", "localhost"].includes(url.hostname);
  if (url !== undefined && (url.protocol === "https:" || isLocal)) return url;
  // Not the value, which is a secret with many receivers.
  faults.push(`${path}: expected a URL with https, or with http to this machine`);
  return undefined;
}

/** As Standard Webhooks write them: `whsec_` and 24 to 64 bytes in base64. */
function secretOf(value: unknown, path: string, faults: string[]): Buffer | undefined {
  if (value === undefined) return undefined;
  const [, base64 = ""] = /^whsec_([A-Za-z0-9+/]+={0,2})$/.exec(typeof value === "string" ? value : "") ?? [];
  const bytes = Buffer.from(base64, "base64");
  if (bytes.length >= 24 && bytes.length <= 64) return bytes;
  faults.push(`${path}: expected whsec_ and 24 to 64 bytes in base64`);
  return undefined;
}

function namesOf(value: unknown, path: string, faults: string[]): readonly string[] | undefined {
  if (value === undefined) return undefined;
  if (Array.isArray(value) && value.length > 0 && value.every((one) => typeof one === "string")) return value;
  faults.push(`${path}: expected a list of names, one at least`);
  return undefined;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
