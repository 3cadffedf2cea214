import { connectionAddress } from "./cidr.ts";
import type { Cursor } from "./cursor.ts";
import { all, always, any, lost, never, not, type Expression } from "./expression.ts";
import * as values from "./istio-values.ts";
import type { IstioContext } from "./istio-values.ts";

type Read = (value: Cursor) => Expression;

/** One field of `source` or `operation`, with what its values mean and its counterpart `notX`. */
type Reads = Readonly<Record<string, Read>>;

/** The address of the connection. */
const peer =
  ({ trustedHops }: IstioContext): Read =>
  (value) =>
    connectionAddress(value, values.range("peers", value), trustedHops);

/** The client's address as Envoy has it. */
const remote: Read = (value) => values.range("sources", value);

const sourceFields = (context: IstioContext): Reads => ({
  principals: (value) => values.sourcePrincipal(value, context),
  requestPrincipals: (value) => values.requestPrincipal(value, context),
  namespaces: values.sourceNamespace,
  serviceAccounts: (value) => values.serviceAccount(value, context),
  trustDomains: values.trustDomain,
  ipBlocks: peer(context),
  remoteIpBlocks: remote,
});

const operationFields: Reads = {
  hosts: values.host,
  ports: values.port,
  methods: values.method,
  paths: values.path,
};

/** What one of a policy's `rules` asks of a request. */
export function ruleCondition(rule: Cursor, context: IstioContext): Expression {
  rule.only("from", "to", "when");
  const from = rule.items("from").map((item) => part(item.only("source").get("source"), sourceFields(context)));
  const to = rule.items("to").map((item) => part(item.only("operation").get("operation"), operationFields));
  const when = rule.items("when").map((item) => condition(item, context));
  return all(from.length > 0 ? any(...from) : always, to.length > 0 ? any(...to) : always, ...when);
}

function part(fields: Cursor | undefined, reads: Reads): Expression {
  if (fields === undefined) return always;
  fields.only(...Object.keys(reads).flatMap((name) => [name, negative(name)]));
  return all(
    ...Object.entries(reads).flatMap(([name, read]) => [
      ...valuesOf(fields.items(name), read),
      ...valuesOf(fields.items(negative(name)), read).map(not),
    ]),
  );
}

const negative = (name: string): string => `not${name.charAt(0).toUpperCase()}${name.slice(1)}`;

function valuesOf(items: readonly Cursor[], read: Read): Expression[] {
  return items.length === 0 ? [] : [values.anyOf(items, read)];
}

function condition(item: Cursor, context: IstioContext): Expression {
  item.only("key", "values", "notValues");
  const key = item.get("key");
  if (key === undefined) {
    item.report("error", "expected a key");
    return never;
  }
  const read = attribute(key, context);
  const [positive, negated] = [item.items("values"), item.items("notValues")];
  if (positive.length + negated.length === 0) item.report("error", "expected values or notValues");
  return all(...valuesOf(positive, read), ...valuesOf(negated, read).map(not));
}

/** How the values of an attribute are read. */
function attribute(key: Cursor, context: IstioContext): Read {
  const name = key.string();
  const inBrackets = (prefix: string): string[] | undefined => {
    const rest = name.startsWith(prefix) ? name.slice(prefix.length) : "";
    return /^(\[[^[\]]+\])+$/.test(rest) ? rest.slice(1, -1).split("][") : undefined;
  };
  const [header] = inBrackets("request.headers") ?? [];
  if (header !== undefined) return (value) => values.header(header, value);
  const claims = inBrackets("request.auth.claims");
  if (claims !== undefined) return (value) => values.claim(claimPath(claims), value, context);
  if (name.startsWith("experimental.envoy.filters.")) return (value) => values.filterMetadata(name, value);
  switch (name) {
    case "source.ip":
      return peer(context);
    case "remote.ip":
      return remote;
    case "source.namespace":
      return values.sourceNamespace;
    case "source.serviceAccount":
      return (value) => values.serviceAccount(value, context);
    case "source.trustDomain":
      return values.trustDomain;
    case "source.principal":
      return (value) => values.sourcePrincipal(value, context);
    case "request.auth.principal":
      return (value) => values.requestPrincipal(value, context);
    case "request.auth.audiences":
      return (value) => values.claim("aud", value, context);
    case "request.auth.presenter":
      return (value) => values.claim("azp", value, context);
    case "destination.port":
      return values.port;
    case "connection.sni":
      return values.serverName;
    case "destination.ip":
      return (value) =>
        lost(
          value.finding(
            "loss",
            "the filter does not compare the address that was called",
            "compare the port or the host",
          ),
        );
    default:
      key.report("error", `${JSON.stringify(name)} is no attribute of Istio's conditions`);
      return () => never;
  }
}

/** One name is a path of dots to the filter, so a name with dots is a list. */
function claimPath(names: readonly string[]): string | readonly string[] {
  const [first] = names;
  return names.length === 1 && first !== undefined && !first.includes(".") ? first : names;
}
