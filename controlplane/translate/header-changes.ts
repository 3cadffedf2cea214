import type { MessageInitShape } from "@bufbuild/protobuf";
import type { HeaderValueOptionSchema } from "#gen/envoy/config/core/v3/base_pb.js";
import { HeaderValueOption_HeaderAppendAction } from "#gen/envoy/config/core/v3/base_pb.js";
import type { RouteSchema } from "#gen/envoy/config/route/v3/route_components_pb.js";
import type { Header, HeaderModifier, RouteFilter } from "../model/index.ts";

/** What routes and weighted clusters both have. */
export type HeaderChanges = Pick<
  MessageInitShape<typeof RouteSchema>,
  "requestHeadersToAdd" | "requestHeadersToRemove" | "responseHeadersToAdd" | "responseHeadersToRemove"
>;

/** What the filters change of headers. */
export function headerChanges(filters: readonly RouteFilter[]): HeaderChanges {
  const changes: HeaderChanges = {};
  for (const filter of filters) {
    if (filter.type === "RequestHeaderModifier") {
      changes.requestHeadersToAdd = headersToAdd(filter.requestHeaderModifier);
      changes.requestHeadersToRemove = [...filter.requestHeaderModifier.remove];
    } else if (filter.type === "ResponseHeaderModifier") {
      changes.responseHeadersToAdd = headersToAdd(filter.responseHeaderModifier);
      changes.responseHeadersToRemove = [...filter.responseHeaderModifier.remove];
    }
  }
  return changes;
}

function headersToAdd({ set, add }: HeaderModifier): MessageInitShape<typeof HeaderValueOptionSchema>[] {
  const { OVERWRITE_IF_EXISTS_OR_ADD, APPEND_IF_EXISTS_OR_ADD } = HeaderValueOption_HeaderAppendAction;
  return [
    ...set.map((header) => headerOption(header, OVERWRITE_IF_EXISTS_OR_ADD)),
    ...add.map((header) => headerOption(header, APPEND_IF_EXISTS_OR_ADD)),
  ];
}

function headerOption(
  { name, value }: Header,
  appendAction: HeaderValueOption_HeaderAppendAction,
): MessageInitShape<typeof HeaderValueOptionSchema> {
  // Envoy would read a single % as the beginning of a substitution. An empty value is dropped unless it is asked for.
  return { header: { key: name, value: value.replaceAll("%", "%%") }, appendAction, keepEmptyValue: true };
}
