// What a configuration of ab-routing says of its experiments, as far as the commands need it. The filter has checked it.

import { isList, isObject, objectOr, objectsOf, textOr } from "../explain/index.ts";
import type { Json, JsonObject } from "../model/index.ts";

export interface Experiment {
  readonly name: string;
  /** The request header that tells the variant. */
  readonly header: string;
  readonly default: string;
  /** Whether figures are kept of it. */
  readonly measured: boolean;
  /** Undefined where there is none. */
  readonly split: readonly Range[] | undefined;
}

/** Places of a split. */
export interface Range {
  readonly variant: string;
  readonly weight: number;
}

export function experimentsOf(configuration: JsonObject): Experiment[] {
  return objectsOf(configuration["experiments"]).map((experiment) => ({
    name: textOr(experiment["name"], ""),
    header: textOr(experiment["header"], ""),
    default: textOr(experiment["default"], ""),
    measured: experiment["measure"] === true,
    split: isObject(experiment["split"]) ? rangesOf(experiment["split"]) : undefined,
  }));
}

function rangesOf(split: JsonObject): Range[] {
  return objectsOf(split["variants"]).map((range) => ({
    variant: textOr(range["name"], ""),
    weight: typeof range["weight"] === "number" ? range["weight"] : 0,
  }));
}

/** The share of keys that each variant of a split is to get, in the order in which they are first named. */
export function sharesOf(split: readonly Range[]): Map<string, number> {
  const total = split.reduce((sum, { weight }) => sum + weight, 0);
  const shares = new Map<string, number>();
  for (const { variant, weight } of split) shares.set(variant, (shares.get(variant) ?? 0) + weight / total);
  return shares;
}

/** A place of a request that keys are read from. */
export type KeySource =
  | { readonly kind: "header" | "cookie"; readonly name: string }
  | { readonly kind: "property"; readonly path: readonly string[] }
  | { readonly kind: "clientAddress" };

/** Every place that a split, a layer or the holdout reads keys from, each once. Path, method and constants are no users. */
export function keySourcesOf(...configurations: readonly JsonObject[]): KeySource[] {
  const holders = configurations.flatMap(({ experiments, layers, holdout }) => [
    ...objectsOf(experiments).map(({ split }) => objectOr(split)),
    ...objectsOf(layers),
    objectOr(holdout),
  ]);
  const sources = holders.flatMap(({ key }) => objectsOf(key)).flatMap(sourceOf);
  return [...new Map(sources.map((source) => [JSON.stringify(source), source])).values()];
}

function sourceOf(value: JsonObject): KeySource[] {
  const { header, cookie, property, claim, principal } = value;
  if (typeof header === "string") return [{ kind: "header", name: header }];
  if (typeof cookie === "string") return [{ kind: "cookie", name: cookie }];
  if (isTexts(property)) return [{ kind: "property", path: property }];
  // What authz leaves.
  if (typeof claim === "string") return [{ kind: "property", path: ["filter_state", `wasm.authz.claim.${claim}`] }];
  if (principal !== undefined) return [{ kind: "property", path: ["filter_state", "wasm.authz.principal"] }];
  return value["clientAddress"] === undefined ? [] : [{ kind: "clientAddress" }];
}

function isTexts(value: Json | undefined): value is readonly string[] {
  return isList(value) && value.every((item) => typeof item === "string");
}
