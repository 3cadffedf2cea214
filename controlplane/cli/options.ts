// Options that several commands have.
import { InvalidArgumentError, Option } from "commander";
import { DEFAULT_TRUST_DOMAIN, isTrustDomain } from "../security/identity.ts";
import { parseHostPort } from "./parse-host-port.ts";

export function xdsOption(): Option {
  return new Option("--xds <address>", "where xDS is served")
    .argParser(parseHostPort)
    .default(parseHostPort("18000"), "127.0.0.1:18000");
}

export function httpOption(what: string): Option {
  return new Option("--http <address>", what)
    .argParser(parseHostPort)
    .default(parseHostPort("18001"), "127.0.0.1:18001");
}

export function stateOption(what: string): Option {
  return new Option("--state <folder>", what).default(".meshwright");
}

/** Undefined when it is not given, which is {@link DEFAULT_TRUST_DOMAIN} or that of an authority that is there. */
export function trustDomainOption(): Option {
  return new Option(
    "--trust-domain <name>",
    `the trust domain of SPIFFE IDs (default: ${DEFAULT_TRUST_DOMAIN})`,
  ).argParser((text) => {
    if (isTrustDomain(text)) return text;
    throw new InvalidArgumentError('expected lower-case letters, digits, ".", "-" and "_"');
  });
}

export function parseInterval(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError("expected whole milliseconds, 1 or more");
  return value;
}

/** Reads the length of windows of statistics, in milliseconds. */
export function parseWindow(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 500 || value > 60_000)
    throw new InvalidArgumentError("expected whole milliseconds, 500 to 60000");
  return value;
}

const units: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Reads a time such as `90s`, `15m`, `12h` or `90d`, in milliseconds; ten years at most. */
export function parseLifetime(text: string): number {
  const match = /^(\d{1,9})([smhd])$/.exec(text);
  const value = Number(match?.[1]) * (units[match?.[2] ?? ""] ?? 0);
  if (!(value > 0 && value <= 3660 * 86_400_000))
    throw new InvalidArgumentError("expected a time such as 15m, 12h or 90d, up to 3660d");
  return value;
}
