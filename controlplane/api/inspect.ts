import type { ServerResponse } from "node:http";
import { dumpConfig, trace, typeNames, typeUrlOf, UnknownError, type InspectSource } from "../inspect/index.ts";
import { includesRole, type HttpAccess } from "../security/index.ts";
import { send } from "./send.ts";

/** A parameter is missing, or is none that there is. */
class ParameterError extends Error {}

/** `?node=...&type=...`: everything that a sidecar would be served, and what became of it. */
export function sendConfig(source: InspectSource & { readonly access: HttpAccess }, response: ServerResponse): void {
  answer(response, (query) => {
    const type = query.get("type");
    const typeUrl = type === null ? undefined : typeUrlOf(type);
    if (type !== null && typeUrl === undefined)
      throw new ParameterError(`type: found "${type}", expected one of ${typeNames.join(", ")}`);
    // Who may change configurations may see them.
    const caller = source.access.identify(response.req);
    const showsConfigurations = caller !== undefined && includesRole(caller.role, "operator");
    return dumpConfig(source, required(query, "node"), {
      showsConfigurations,
      ...(typeUrl === undefined ? {} : { typeUrl }),
    });
  });
}

/** `?node=...&resource=...`: from what a user wrote to what a sidecar says of it. */
export function sendTrace(source: InspectSource, response: ServerResponse): void {
  answer(response, (query) => trace(source, required(query, "node"), required(query, "resource")));
}

function answer(response: ServerResponse, make: (query: URLSearchParams) => object): void {
  const [, query = ""] = (response.req.url ?? "").split("?", 2);
  try {
    send(response, 200, make(new URLSearchParams(query)));
  } catch (error) {
    if (error instanceof ParameterError) send(response, 400, { error: error.message });
    else if (error instanceof UnknownError) send(response, 404, { error: error.message });
    else send(response, 500, { error: error instanceof Error ? error.message : String(error) });
  }
}

function required(query: URLSearchParams, name: string): string {
  const value = query.get(name);
  if (value === null || value === "") throw new ParameterError(`${name}: expected it in the query`);
  return value;
}
