import { Ajv } from "ajv";
import type { HostPort } from "../control/index.ts";
import { readDocuments, formatProblem, type Origin } from "../model/index.ts";
import { compileWhenUsed } from "../model/compiled-schema.ts";
import { schemaFaults } from "../model/schema-faults.ts";
import schema from "./settings.schema.json" with { type: "json" };

/** How pods get a sidecar; settings.schema.json says what each part means. */
export interface InjectSettings {
  readonly controlPlane: {
    readonly xds: HostPort;
    readonly http: HostPort;
    readonly trustDomain: string;
    readonly insecure: boolean;
  };
  readonly sidecar: {
    readonly image: string;
    readonly imagePullPolicy: string;
    readonly native: boolean;
    readonly concurrency: number;
    readonly logLevel: string;
    readonly statsIntervalMs: number;
    readonly drainSeconds: number;
    readonly startupSeconds: number;
    readonly userId: number;
    readonly resources: object;
    readonly ports: {
      readonly inbound: number;
      readonly outbound: number;
      readonly readiness: number;
      readonly admin: number;
    };
  };
  readonly tokenSeconds: number;
  readonly redirect: { readonly enabled: boolean; readonly image?: string; readonly outboundPorts: readonly number[] };
}

/** Settings that cannot be used; a line for each fault, with its place. */
export class SettingsError extends Error {
  override readonly name = "SettingsError";
}

const compiled = compileWhenUsed(
  new Ajv({ allErrors: true, verbose: true, useDefaults: true, strict: true, strictTypes: false }),
  "settings",
  schema,
);

/**
 * Reads settings as YAML or JSON, and fills in what they leave out.
 *
 * @throws SettingsError
 */
export function parseSettings(text: string, file: string): InjectSettings {
  const { documents, problems } = readDocuments({ path: file, text });
  if (problems.length > 0) throw new SettingsError(problems.map(formatProblem).join("\n"));
  const [document, more] = documents;
  if (document === undefined || more !== undefined) throw new SettingsError(`${file}: expected one document`);
  const { value, origin } = document;
  const faults = schemaFaults(compiled, value);
  if (faults.length > 0)
    throw new SettingsError(
      faults.map(({ path, at, message }) => formatProblem(origin.problem(path, message, at))).join("\n"),
    );
  const settings = value as Omit<InjectSettings, "controlPlane"> & {
    readonly controlPlane: { xds: string; http: string; trustDomain: string; insecure: boolean };
  };
  const { xds, http } = settings.controlPlane;
  checkPorts(settings.sidecar.ports, origin);
  const controlPlane = {
    ...settings.controlPlane,
    xds: address(xds, "xds", origin),
    http: address(http, "http", origin),
  };
  return { ...settings, controlPlane };
}

/** What is not set otherwise. */
export function usualSettings(): InjectSettings {
  return parseSettings("{}", "the usual settings");
}

function address(text: string, name: string, origin: Origin): HostPort {
  const [host = "", port] = text.split(":");
  if (Number(port) >= 1 && Number(port) <= 65_535) return { host, port: Number(port) };
  throw new SettingsError(
    formatProblem(origin.problem(["controlPlane", name], `expected a port up to 65535, found ${port}`)),
  );
}

function checkPorts(ports: InjectSettings["sidecar"]["ports"], origin: Origin): void {
  const entries = Object.entries(ports);
  for (const [i, [name, port]] of entries.entries()) {
    const other = entries.slice(0, i).find(([, before]) => before === port);
    if (other === undefined) continue;
    const message = `expected a port of its own, found ${port}, which is that of ${other[0]}`;
    throw new SettingsError(formatProblem(origin.problem(["sidecar", "ports", name], message)));
  }
}
