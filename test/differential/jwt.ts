// Envoy's jwt_authn and what `meshwright import` makes of it, asked the same.
import { join } from "node:path";
import fc from "fast-check";
import { importPolicies } from "../../controlplane/import/index.ts";
import { JWKS, sign, type Algorithm } from "../../filters/testing/keys.ts";
import { root } from "../../setup/paths.mjs";
import { typed, wasmFilter } from "../support/filter-chains.ts";
import type { Report } from "./rbac.ts";
import { inParallel, SideBySide, type Pair, type Request } from "./side-by-side.ts";

const module = join(root, "build", "authz.wasm");
const paths = ["/", "/a", "/a/b", "/b"] as const;
const audiences = ["one", "two"] as const;

/** Who issues tokens, and by which key. */
const issuers: readonly (readonly [name: string, issuer: string, algorithm: Algorithm])[] = [
  ["p-rsa", "https://rsa.example", "RS256"],
  ["p-ec", "https://ec.example", "ES256"],
  ["p-hmac", "https://hmac.example", "HS256"],
];
const names = issuers.map(([name]) => name);

const of = <T>(list: readonly T[]): fc.Arbitrary<T> => fc.constantFrom(...list);
const some = <T>(list: readonly T[]): fc.Arbitrary<T[]> => fc.subarray([...list], { minLength: 1 });

const provider = fc.record(
  {
    audiences: some(audiences),
    require_expiration: fc.boolean(),
    clock_skew_seconds: of([1, 60, 600]),
    forward: fc.boolean(),
  },
  { requiredKeys: [] },
);
const providers = fc.tuple(provider, provider, provider).map((list) =>
  Object.fromEntries(
    issuers.map(([name, issuer, algorithm], i): [string, object] => {
      const keys = { keys: [{ ...JWKS[algorithm], kid: name }] };
      return [name, { issuer, local_jwks: { inline_string: JSON.stringify(keys) }, ...list[i] }];
    }),
  ),
);

const named = fc.oneof(
  { weight: 3, arbitrary: of(names).map((provider_name): object => ({ provider_name })) },
  {
    weight: 1,
    arbitrary: fc.tuple(of(names), some(audiences)).map(([provider_name, audiences]): object => ({
      provider_and_audiences: { provider_name, audiences },
    })),
  },
);
const requirement: fc.Arbitrary<object> = fc.oneof(
  { weight: 3, arbitrary: named },
  { weight: 1, arbitrary: fc.constant({ allow_missing: {} }) },
  { weight: 1, arbitrary: fc.constant({ allow_missing_or_failed: {} }) },
  {
    weight: 3,
    arbitrary: fc
      .tuple(
        fc.uniqueArray(named, { minLength: 1, maxLength: 3, selector: (one) => JSON.stringify(one) }),
        of([[], [], [{ allow_missing: {} }]]),
      )
      .map(([list, more]) => ({
        requires_any: { requirements: [...list, ...more, ...(list.length + more.length < 2 ? list : [])] },
      })),
  },
  {
    weight: 1,
    // Of two providers: the first of one provider twice takes the token away from the second.
    arbitrary: fc.shuffledSubarray(names, { minLength: 2, maxLength: 2 }).map((both) => ({
      requires_all: { requirements: both.map((provider_name) => ({ provider_name })) },
    })),
  },
);
const rule = fc
  .tuple(of(paths), fc.boolean(), fc.option(requirement, { nil: undefined, freq: 6 }))
  .map(([path, exact, requires]) => ({
    match: exact ? { path } : { prefix: path },
    ...(requires === undefined ? {} : { requires }),
  }));
const configuration = fc.record({ providers, rules: fc.array(rule, { minLength: 1, maxLength: 4 }) });

interface Provider {
  readonly audiences?: readonly string[];
  readonly require_expiration?: boolean;
  readonly clock_skew_seconds?: number;
}

interface Claims {
  readonly exp?: number;
  readonly aud?: string | readonly string[] | undefined;
}

interface Token {
  readonly name: string;
  readonly header: readonly (readonly [string, string])[];
  /** Whether it is one that its provider as configured takes, or there is none. */
  readonly isGood: (providers: Readonly<Record<string, Provider>>) => boolean;
}

function accepts(provider: Provider | undefined, { exp, aud = [] }: Claims): boolean {
  const { audiences, require_expiration = false, clock_skew_seconds = 60 } = provider ?? {};
  const isTimely = exp === undefined ? !require_expiration : exp + clock_skew_seconds > Date.now() / 1000;
  return isTimely && (audiences === undefined || audiences.some((one) => [aud].flat().includes(one)));
}

async function tokens(): Promise<Token[]> {
  const now = Math.floor(Date.now() / 1000);
  const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  const list: Token[] = [{ name: "none", isGood: () => true, header: [] }];
  const add = (name: string, token: string, isGood: Token["isGood"] = () => false, scheme = "Bearer"): void => {
    list.push({ name, isGood, header: [["authorization", `${scheme} ${token}`]] });
  };
  for (const [kid, iss, algorithm] of issuers) {
    const base = { iss, sub: "alice", exp: now + 3600 };
    const make = (claims: object, by = algorithm): Promise<string> => sign(by, claims, { kid });
    const genuine: readonly (Claims & { readonly iss: string; readonly sub: string })[] = [
      base,
      ...["one", "two", ["one", "three"], "three"].map((aud) => ({ ...base, aud })),
      { iss, sub: "alice" },
      { ...base, exp: now - 300 },
      { ...base, exp: now - 7200 },
    ];
    for (const claims of genuine) {
      add(`${kid} ${JSON.stringify(claims)}`, await make(claims), (providers) => accepts(providers[kid], claims));
    }
    const [head = "", payload = "", signature = ""] = (await make(base)).split(".");
    const other = issuers.find(([name]) => name !== kid)?.[2] ?? "RS256";
    add(`${kid}, not yet`, await make({ ...base, nbf: now + 7200 }));
    add(`${kid}, of nobody known`, await make({ ...base, iss: "https://other.example" }));
    add(`${kid}, changed`, `${head}.${encode({ ...base, sub: "root" })}.${signature}`);
    add(`${kid}, cut`, `${head}.${payload}.${signature.slice(0, -4)}`);
    add(`${kid}, without signature`, `${head}.${payload}.`);
    add(`${kid}, by another's key`, await make(base, other));
  }
  add("alg none", `${encode({ alg: "none" })}.${encode({ iss: issuers[0]?.[1] })}.`);
  for (const garbage of ["a.b.c", "a.b", "a+/=.b.c"]) add(garbage, garbage);
  add("another scheme", "YTpi", () => true, "Basic");
  return list;
}

/** Whether the two let the same requests pass. */
export async function compareJwt(seed: number, configurations: number): Promise<Report> {
  const all = await tokens();
  const cases = fc.sample(configuration, { seed, numRuns: configurations }).map((fields) => {
    const native = { name: "jwt", typed_config: typed("http.jwt_authn.v3.JwtAuthentication", fields) };
    const { imported, findings } = importPolicies([{ path: "jwt.json", text: JSON.stringify([native]) }], {
      from: "envoy",
      trustDomain: "cluster.local",
      rootNamespace: "istio-system",
    });
    const texts = findings.map(({ kind, path, message }) => `${kind}: ${path}: ${message}`);
    const [first] = imported;
    const ours = first?.filter === "authz" ? first.configuration : undefined;
    if (ours === undefined) throw new Error(`nothing was imported:\n${texts.join("\n")}`);
    return { fields, native, ours, findings: texts };
  });
  const pairs = cases.map(({ native, ours }): Pair => ({
    native: [native],
    ours: [wasmFilter("authz", module, ours)],
  }));
  const envoy = await SideBySide.start(pairs);
  const report = { compared: 0, exact: 0, passed: 0, faults: [] as string[] };
  try {
    await inParallel(cases, async (one, at) => {
      const asked = all.flatMap((token) => paths.map((path) => ({ token, path })));
      const requests = asked.map(({ token, path }): Request => ({
        method: "GET",
        path,
        host: "a.example",
        headers: token.header,
      }));
      const from = { source: "192.0.2.1", port: 80 };
      const [native, ours] = await Promise.all([
        envoy.ask(at, "native", from, requests),
        envoy.ask(at, "ours", from, requests),
      ]);
      asked.forEach(({ token, path }, i) => {
        const [expected, found] = [native[i]?.status ?? 0, ours[i]?.status ?? 0];
        const isWhole = one.findings.length === 0 && token.isGood(one.fields.providers);
        ++report.compared;
        report.exact += Number(isWhole);
        report.passed += Number(isWhole && expected === 200);
        // A token that is not good is refused wherever it is. Nothing passes that Envoy refuses, but where a bad token counts as
        // none for every rule, what passes without.
        const asNone =
          one.findings.some((finding) => finding.includes("counts as none")) &&
          native[paths.indexOf(path)]?.status === 200;
        const isGood = (expected === 200) === (found === 200) || (!isWhole && (expected === 200 || asNone));
        if (isGood) return;
        report.faults.push(
          [
            `Envoy ${expected}, authz ${found}: ${path} with token ${token.name}`,
            `  jwt_authn ${JSON.stringify(one.fields).replaceAll(/"inline_string":"(\\.|[^"\\])*"/g, '"inline_string":"..."')}`,
            `  authz ${JSON.stringify(one.ours)}`,
            ...one.findings,
          ].join("\n"),
        );
      });
    });
  } finally {
    await envoy.stop();
  }
  return report;
}
