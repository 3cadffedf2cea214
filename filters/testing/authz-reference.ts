// What rules mean, written apart from the filter and without any index: the tests of the index compare with it.

/** A request as a test makes it; everything is spelled in its one form already. */
export interface ModelRequest {
  readonly method: string;
  readonly host: string;
  readonly path: string;
  readonly query: readonly (readonly [string, string])[];
  /** Whether the query also has an escape that is none. */
  readonly isMalformed: boolean;
  /** Values of `x-role`, one a line. */
  readonly roles: readonly string[];
  readonly source: string;
  /** The port of the connection; none where it is not known. */
  readonly port?: number;
  /** The URI of the client's certificate. */
  readonly uri?: string;
  readonly apiKey?: string;
}

export type Test = Readonly<Record<string, string | boolean>> & { readonly invert?: boolean };

interface RequestConditions {
  readonly methods?: readonly string[];
  readonly hosts?: readonly string[];
  readonly paths?: readonly Test[];
  readonly query?: readonly (Test & { readonly name: string })[];
  readonly sources?: readonly string[];
  readonly ports?: readonly number[];
}

export interface ModelRule extends RequestConditions {
  readonly name: string;
  readonly action: "allow" | "deny" | "audit";
  readonly shadow?: boolean;
  readonly headers?: readonly (Test & { readonly name: "x-role" })[];
  readonly principals: readonly Principal[];
  readonly not?: RequestConditions;
}

export type Principal =
  | { readonly any: true }
  | { readonly authenticated: true }
  | { readonly apiKey: string }
  | { readonly peer: Test }
  | { readonly anyOf: readonly Principal[] }
  | { readonly not: Principal };

/** `allowed`, or `denied` and by which rule. */
export function judge(rules: readonly ModelRule[], precedence: boolean, request: ModelRequest): string {
  const acting = rules.filter(({ action, shadow }) => shadow !== true && action !== "audit");
  const denying = acting.filter(({ action }) => action === "deny");
  const allowing = acting.filter(({ action }) => action === "allow");
  const found = (precedence ? [...denying, ...allowing] : acting).find((rule) => matches(rule, request));
  if (found !== undefined) return found.action === "allow" ? "allowed" : `denied rule[${found.name}]`;
  return precedence && allowing.length === 0 ? "allowed" : "denied no_rule";
}

function matches(rule: ModelRule, request: ModelRequest): boolean {
  const all = rule.action === "allow";
  const roles = request.roles.flatMap((line) => line.split(",")).map((value) => value.trim());
  return (
    requestFits(rule, request, all) &&
    (rule.headers ?? []).every((test) => valuesPass(test, roles, all)) &&
    rule.principals.some((principal) => isCaller(principal, request)) &&
    noneFits(rule.not ?? {}, request, !all)
  );
}

function requestFits(conditions: RequestConditions, request: ModelRequest, all: boolean): boolean {
  const { methods, hosts, paths, query, sources, ports } = conditions;
  return (
    (methods?.includes(request.method) ?? true) &&
    (hosts?.some((host) => hostFits(host, request.host)) ?? true) &&
    (paths?.some((test) => pathFits(test, request.path)) ?? true) &&
    (query?.every((test) => (request.isMalformed ? !all : valuesPass(test, valuesOf(request, test.name), all))) ??
      true) &&
    (ports === undefined || (request.port === undefined ? !all : ports.includes(request.port))) &&
    (sources?.some((range) => isIn(range, request.source, !all)) ?? true)
  );
}

function noneFits(conditions: RequestConditions, request: ModelRequest, all: boolean): boolean {
  const { query = [], ...others } = conditions;
  const parts = Object.entries(others).map(([name, value]) => ({ [name]: value }));
  return [...parts, ...query.map((test) => ({ query: [test] }))].every((part) => !requestFits(part, request, all));
}

function valuesOf(request: ModelRequest, name: string): string[] {
  return request.query.filter(([key]) => key === name).map(([, value]) => value);
}

function valuesPass(test: Test, values: readonly string[], all: boolean): boolean {
  const invert = test.invert ?? false;
  if (typeof test["present"] === "boolean") return values.length > 0 === (test["present"] !== invert);
  if (values.length === 0) return invert;
  const passes = (value: string): boolean => textFits(test, value) !== invert;
  return all ? values.every(passes) : values.some(passes);
}

function textFits(test: Test, value: string): boolean {
  const { exact, prefix, suffix, contains, regex } = test;
  if (typeof exact === "string") return value === exact;
  if (typeof prefix === "string") return value.startsWith(prefix);
  if (typeof suffix === "string") return value.endsWith(suffix);
  if (typeof contains === "string") return value.includes(contains);
  return typeof regex === "string" && new RegExp(`^(?:${regex})$`, "su").test(value);
}

function pathFits(test: Test, path: string): boolean {
  const { prefix, startsWith, template } = test;
  if (typeof prefix === "string") return prefix === "/" || path === prefix || path.startsWith(`${prefix}/`);
  if (typeof startsWith === "string") return path.startsWith(startsWith);
  if (typeof template !== "string") return textFits(test, path);
  const fits = (wanted: readonly string[], found: readonly string[]): boolean => {
    const [first, ...rest] = wanted;
    if (first === undefined) return found.length === 0;
    if (first === "{**}" && rest.length === 0) return found.length > 0;
    if (first === "{**}") return found.some((_, i) => fits(rest, found.slice(i)));
    if (found[0] === undefined) return false;
    return (first === "{*}" ? found[0] !== "" : first === found[0]) && fits(rest, found.slice(1));
  };
  return fits(template.split("/").slice(1), path.split("/").slice(1));
}

function hostFits(pattern: string, host: string): boolean {
  return pattern.startsWith("*.")
    ? host.length > pattern.length - 1 && host.endsWith(pattern.slice(1))
    : host === pattern;
}

function isIn(range: string, address: string, inDoubt: boolean): boolean {
  const bits = (text: string): string | undefined => {
    const parts = text.split(".").map(Number);
    if (parts.length !== 4 || parts.some((part) => !(part >= 0 && part <= 255))) return undefined;
    return parts.map((part) => part.toString(2).padStart(8, "0")).join("");
  };
  const [base = "", length = "32"] = range.split("/");
  const found = bits(address);
  return found === undefined ? inDoubt : found.startsWith((bits(base) ?? "").slice(0, Number(length)));
}

function isCaller(principal: Principal, request: ModelRequest): boolean {
  if ("any" in principal) return true;
  if ("authenticated" in principal) return request.apiKey !== undefined;
  if ("apiKey" in principal) return request.apiKey === principal.apiKey;
  if ("peer" in principal) return request.uri !== undefined && textFits(principal.peer, request.uri);
  if ("anyOf" in principal) return principal.anyOf.some((part) => isCaller(part, request));
  return !isCaller(principal.not, request);
}
