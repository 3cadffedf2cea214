import { create } from "@bufbuild/protobuf";
import { HeaderValueOption_HeaderAppendAction, HeaderValueOptionSchema } from "#gen/envoy/config/core/v3/base_pb.js";
import type { HeaderValueOption } from "#gen/envoy/config/core/v3/base_pb.js";
import type { Route } from "#gen/envoy/config/route/v3/route_components_pb.js";
import type { Header, HeaderModifier, RouteFilter } from "../model/index.ts";

/** What routes and weighted clusters both have. */
export type HeaderChanges = Partial<
  Pick<Route, "requestHeadersToAdd" | "requestHeadersToRemove" | "responseHeadersToAdd" | "responseHeadersToRemove">
>;

/**
 * What filters change of headers, those of a rule and then those of a backend. Envoy has no such order between a route and
 * its weighted clusters (the cluster's changes come first), and within one list it removes before it adds, so both are
 * made one list here: what the first add and the second remove is left out.
 */
export function headerChanges(first: readonly RouteFilter[], second: readonly RouteFilter[] = []): HeaderChanges {
  const request = modifiers("RequestHeaderModifier", first, second);
  const response = modifiers("ResponseHeaderModifier", first, second);
  return {
    ...(request.length === 0
      ? {}
      : {
          requestHeadersToAdd: headersToAdd(request),
          requestHeadersToRemove: request.flatMap(({ remove }) => remove),
        }),
    ...(response.length === 0
      ? {}
      : {
          responseHeadersToAdd: headersToAdd(response),
          responseHeadersToRemove: response.flatMap(({ remove }) => remove),
        }),
  };
}

function modifiers(
  type: "RequestHeaderModifier" | "ResponseHeaderModifier",
  ...lists: readonly (readonly RouteFilter[])[]
): HeaderModifier[] {
  return lists.flatMap((filters) =>
    filters.flatMap((filter) => {
      if (filter.type !== type) return [];
      return filter.type === "RequestHeaderModifier" ? filter.requestHeaderModifier : filter.responseHeaderModifier;
    }),
  );
}

function headersToAdd(modifiers: readonly HeaderModifier[]): HeaderValueOption[] {
  const { OVERWRITE_IF_EXISTS_OR_ADD, APPEND_IF_EXISTS_OR_ADD } = HeaderValueOption_HeaderAppendAction;
  return modifiers.flatMap(({ set, add }, m) => {
    const later = new Set(modifiers.slice(m + 1).flatMap(({ remove }) => remove.map((name) => name.toLowerCase())));
    const stays = ({ name }: Header): boolean => !later.has(name.toLowerCase());
    return [
      ...set.filter(stays).map((header) => headerOption(header, OVERWRITE_IF_EXISTS_OR_ADD)),
      ...add.filter(stays).map((header) => headerOption(header, APPEND_IF_EXISTS_OR_ADD)),
    ];
  });
}

function headerOption({ name, value }: Header, appendAction: HeaderValueOption_HeaderAppendAction): HeaderValueOption {
  // Envoy would read a single % as the beginning of a substitution. An empty value is dropped unless it is asked for.
  return create(HeaderValueOptionSchema, {
    header: { key: name, value: value.replaceAll("%", "%%") },
    appendAction,
    keepEmptyValue: true,
  });
}
