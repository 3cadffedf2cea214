// Looks into JSON that only the filter has checked.

import type { Json, JsonObject } from "../model/index.ts";

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function isList(value: unknown): value is readonly Json[] {
  return Array.isArray(value);
}

/** The objects of a list; none if it is no list. */
export function objectsOf(value: unknown): JsonObject[] {
  return isList(value) ? value.filter(isObject) : [];
}

/** An object, or an empty one in its place. */
export function objectOr(value: unknown): JsonObject {
  return isObject(value) ? value : {};
}

export function textOr(value: unknown, otherwise: string): string {
  return typeof value === "string" ? value : otherwise;
}
