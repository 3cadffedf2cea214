import type { Document } from "../model/document.ts";
import { Cursor } from "./cursor.ts";
import type { Findings } from "./finding.ts";

/** A rate limit of a rule. */
export interface ServiceLimit {
  readonly at: Cursor;
  readonly isUnlimited: boolean;
  readonly requests: number;
  /** As the filter has it; undefined for a span that it has not. */
  readonly window: string | undefined;
  readonly name: string;
  readonly replaces: readonly string[];
}

/** A rule of envoyproxy/ratelimit's configuration: what is done with an entry of a descriptor. */
export interface ServiceRule {
  readonly at: Cursor;
  readonly key: string;
  /** Empty for any value. */
  readonly value: string;
  /** Whether all values that the wildcard fits are counted together. */
  readonly isShared: boolean;
  readonly isShadow: boolean;
  readonly limit: ServiceLimit | undefined;
  readonly rules: readonly ServiceRule[];
}

/** A file of envoyproxy/ratelimit. */
export interface ServiceDomain {
  readonly at: Cursor;
  readonly domain: string;
  readonly rules: readonly ServiceRule[];
}

const windows = new Set(["second", "minute", "hour", "day", "week", "month"]);

/** Whether a document is a configuration of envoyproxy/ratelimit. */
export function isServiceConfiguration(value: unknown): boolean {
  return typeof value === "object" && value !== null && "domain" in value && !("@type" in value);
}

export function readServiceDomain(document: Document, findings: Findings): ServiceDomain {
  const at = Cursor.ofResource(document, findings).only("domain", "descriptors");
  const domain = at.text("domain") ?? "";
  if (domain === "") at.report("error", "expected a domain that is not empty");
  return { at, domain, rules: rulesOf(at) };
}

function rulesOf(parent: Cursor): ServiceRule[] {
  const seen = new Set<string>();
  return parent.items("descriptors").map((at) => {
    const fields = ["detailed_metric", "value_to_metric", "metadata"];
    at.only("key", "value", "rate_limit", "descriptors", "shadow_mode", "quota_mode", "share_threshold", ...fields);
    const [key, value] = [at.text("key") ?? "", at.text("value") ?? ""];
    if (key === "") at.report("error", "expected a key that is not empty");
    if (key.includes("*")) at.report("loss", "a wildcard in a key is not read: it is a part of the key here");
    const id = value === "" ? key : `${key}_${value}`;
    if (seen.has(id)) at.report("error", `the key "${key}" is there before, with the same value`);
    seen.add(id);
    const isShared = at.flag("share_threshold");
    if (isShared && !value.includes("*")) at.report("error", "share_threshold is for values with a wildcard");
    if (at.flag("quota_mode")) {
      const message = "this limit refuses by itself; the service refuses when all limits with quota_mode are over";
      at.get("quota_mode")?.report("loss", message);
    }
    for (const name of fields.slice(0, 2)) {
      if (at.flag(name)) at.get(name)?.report("note", "the filter counts by limit, not by value");
    }
    at.get("metadata")?.report("note", "the filter writes no metadata");
    const limit = at.get("rate_limit");
    return {
      at,
      key,
      value,
      isShared,
      isShadow: at.flag("shadow_mode"),
      limit: limit && limitOf(limit),
      rules: at.get("descriptors") === undefined ? [] : rulesOf(at),
    };
  });
}

function limitOf(at: Cursor): ServiceLimit {
  at.only("unit", "requests_per_unit", "unlimited", "name", "replaces");
  const isUnlimited = at.flag("unlimited");
  const unit = at.text("unit")?.toLowerCase() ?? "";
  const isUnit = windows.has(unit) || unit === "year";
  if (isUnlimited && isUnit) at.report("error", "expected no unit, since it is unlimited");
  if (!isUnlimited && !isUnit) {
    (at.get("unit") ?? at).report("error", `expected second, minute, hour, day, week, month or year, found "${unit}"`);
  }
  const number = at.get("requests_per_unit");
  const requests = number?.integer() ?? 0;
  if (requests < 0 || requests > 0xffff_ffff) number?.report("error", "expected 0 to 4294967295");
  const name = at.text("name") ?? "";
  const replaces = at.items("replaces").map((item) => {
    const other = item.only("name").text("name") ?? "";
    if (other === "") item.report("error", "expected a name that is not empty");
    else if (other === name) item.report("error", "a limit cannot replace itself");
    return other;
  });
  return { at, isUnlimited, requests, window: windows.has(unit) ? unit : undefined, name, replaces };
}
