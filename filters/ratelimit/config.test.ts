import { testConfigurations, type Bad, type Good } from "../testing/configurations.ts";

const tokenBucket = { maxTokens: 5, tokensPerFill: 5, fillInterval: "60s" };
const limit = { name: "a", tokenBucket };
const one = (fields: object): object => ({ limits: [{ ...limit, ...fields }] });
const bucket = (fields: object): object => one({ tokenBucket: { ...tokenBucket, ...fields } });

const good: Good[] = [
  ["GCRA", { limits: [{ name: "a", gcra: { requests: 10, period: "1s", burst: 5 } }] }],
  ["GCRA without burst", { limits: [{ name: "a", gcra: { requests: 10, period: "1s" } }] }],
  ["a fixed window", { limits: [{ name: "a", fixedWindow: { requests: 1_000_000, window: "744h" } }] }],
  ["a sliding window", { limits: [{ name: "a", slidingWindow: { requests: 1, window: "1ms" } }] }],
  ["a concurrency limit", { limits: [{ name: "a", concurrency: { requests: 65_535 } }] }],
  ["a lease", { limits: [{ name: "a", concurrency: { requests: 1, lease: "1h" } }] }],
  [
    "a limit that only has overrides",
    one({ tokenBucket: undefined, unlimited: {}, overrides: [{ ...limit, match: {} }] }),
  ],
  ["a window of a month", { limits: [{ name: "a", fixedWindow: { requests: 1, window: "month" } }] }],
  ["a cost by size", one({ responseCost: { bytesPerHit: 1024, max: 5 } })],
  ["a fixed cost of responses", one({ cost: { hits: 2 }, responseCost: { hits: 2 } })],
  ["the least", { limits: [{ name: "a", tokenBucket: { maxTokens: 1, fillInterval: "1s" } }] }],
  [
    "everything",
    {
      limits: [
        {
          name: "per-client_1",
          tokenBucket,
          key: [
            { header: "X-Api-Key" },
            { header: ":authority" },
            { cookie: "sid" },
            { path: {} },
            { method: {} },
            { clientAddress: {} },
            { clientAddress: { xForwardedForPosition: 32 } },
            { property: ["connection", "requested_server_name"] },
            { constant: "é" },
            { query: "page", default: "1" },
            { path: { segments: 32 } },
            { path: { templates: ["/users/{id}", "/a/{**}/b", "/a/"] } },
            { path: { template: "/users/{id}/{**}", segment: "id" } },
            { host: {} },
            { clientAddress: { ipv4Prefix: 24, ipv6Prefix: 64, xForwardedForPosition: 1 } },
            { principal: {} },
            { claim: "tenant" },
            { apiKey: { header: "x-api-key" } },
            { apiKey: { query: "key" } },
            { apiKey: { cookie: "key" }, default: "none" },
            { routeName: {} },
            { clusterName: {} },
            { metadata: ["envoy.filters.http.jwt_authn", "payload", "sub"] },
            { routeMetadata: ["ratelimit", "class"] },
            { clusterMetadata: ["ratelimit", "class"] },
          ],
          missingKey: "skip",
          match: {
            path: { prefix: "/" },
            methods: ["GET", "POST"],
            headers: [
              { name: "a", exact: "1" },
              { name: "b", prefix: "1" },
              { name: "c", suffix: "1" },
              { name: "d", contains: "1" },
              { name: "r", regex: "[0-9]+" },
              { name: "e", present: true },
              { name: "f", present: false },
            ],
            cookies: [
              { name: "a", exact: "1" },
              { name: "b", present: false },
            ],
            values: [
              { value: { routeName: {} }, prefix: "api" },
              { value: { query: "debug" }, present: false },
            ],
            clientAddress: { ranges: ["0.0.0.0/0", "::/0"], xForwardedForPosition: 1 },
          },
          except: [{ path: { exact: "/healthz" } }, {}],
          scope: "worker",
          overrides: [
            { name: "gold", match: { headers: [{ name: "x-plan", exact: "gold" }] }, unlimited: {} },
            { name: "silver", match: {}, fixedWindow: { requests: 10, window: "day" } },
          ],
          cost: { hits: 0, header: "x-cost", max: 10 },
          responseCost: { statuses: ["404", "5xx", "400-403"], header: "x-tokens", max: 1000 },
          mode: "shadow",
          slots: 1_048_576,
        },
        {
          name: "second",
          tokenBucket,
          key: [{ constant: "all" }],
          missingKey: "empty",
          match: {},
          mode: "enforce",
          slots: 4,
        },
      ],
      allow: [{ clientAddress: { ranges: ["10.0.0.0/8"] } }],
      headers: "none",
      shadowHeader: "x-ratelimit-limited",
      response: {
        status: 503,
        body: "",
        format: "json",
        grpcStatus: "RESOURCE_EXHAUSTED",
        headers: [{ name: "x-envoy-ratelimited", value: "true" }],
      },
    },
  ],
  ["headers and an empty response", { ...one({}), headers: "x-ratelimit", response: {} }],
  ["the largest bucket", bucket({ maxTokens: 1_000_000, tokensPerFill: 1_000_000, fillInterval: "744h" })],
  ["the smallest bucket", bucket({ maxTokens: 1, tokensPerFill: 1, fillInterval: "1ms" })],
  ["a duration of several parts", bucket({ fillInterval: "1h30m10s500ms" })],
  ["1000 limits", { limits: Array.from({ length: 1000 }, (_, i) => ({ ...limit, name: `l${i}` })) }],
];

const bad: Bad[] = [
  {
    what: "two algorithms",
    configuration: one({ fixedWindow: { requests: 1, window: "1s" } }),
    error: "limits[0]: expected exactly one of tokenBucket",
  },
  {
    what: "a window without requests",
    configuration: { limits: [{ name: "a", fixedWindow: { window: "1s" } }] },
    error: "limits[0].fixedWindow.requests: expected an integer from 1 to 1000000, found nothing",
  },
  {
    what: "a window that is too long",
    configuration: { limits: [{ name: "a", slidingWindow: { requests: 1, window: "745h" } }] },
    error: "limits[0].slidingWindow.window: expected a duration from 1ms to 744h",
    schemaCannotTell: true,
  },
  {
    what: "a burst of none",
    configuration: { limits: [{ name: "a", gcra: { requests: 1, period: "1s", burst: 0 } }] },
    error: "limits[0].gcra.burst: expected an integer from 1 to 1000000",
  },
  { what: "no object", configuration: [], error: "configuration: expected an object, found array of 0" },
  { what: "nothing", configuration: {}, error: "limits: expected 1 to 1000 limits, found nothing" },
  { what: "no limits", configuration: { limits: [] }, error: "limits: expected 1 to 1000 limits, found array of 0" },
  {
    what: "1001 limits",
    configuration: { limits: Array.from({ length: 1001 }, (_, i) => ({ ...limit, name: `l${i}` })) },
    error: "limits: expected 1 to 1000 limits, found array of 1001",
  },
  {
    what: "limits that are no array",
    configuration: { limits: limit },
    error: "limits: expected an array, found object",
  },
  {
    what: "a limit that is no object",
    configuration: { limits: [5] },
    error: "limits[0]: expected an object, found number 5",
  },
  { what: "an unknown field", configuration: { ...one({}), limit: 5 }, error: "limit: unknown field" },
  { what: "an unknown field of a limit", configuration: one({ burst: 5 }), error: "limits[0].burst: unknown field" },
  { what: "no name", configuration: { limits: [{ tokenBucket }] }, error: "limits[0].name: expected a string" },
  {
    what: "a name with a dot",
    configuration: one({ name: "a.b" }),
    error: "limits[0].name: expected 1 to 64 of the characters",
  },
  { what: "a name too long", configuration: one({ name: "a".repeat(65) }), error: "limits[0].name: expected 1 to 64" },
  {
    what: "a name used twice",
    configuration: { limits: [limit, limit] },
    error: 'limits[1].name: expected a name that no limit before has, found string "a"',
    schemaCannotTell: true,
  },
  {
    what: "no bucket",
    configuration: { limits: [{ name: "a" }] },
    error: "limits[0]: expected exactly one of tokenBucket",
  },
  {
    what: "no tokens",
    configuration: bucket({ maxTokens: 0 }),
    error: "limits[0].tokenBucket.maxTokens: expected an integer from 1 to 1000000, found number 0",
  },
  {
    what: "too many tokens",
    configuration: bucket({ maxTokens: 1_000_001 }),
    error: "limits[0].tokenBucket.maxTokens: expected an integer",
  },
  {
    what: "part of a token",
    configuration: bucket({ maxTokens: 1.5 }),
    error: "limits[0].tokenBucket.maxTokens: expected an integer from 1 to 1000000, found number 1.5",
  },
  {
    what: "tokens in words",
    configuration: bucket({ maxTokens: "5" }),
    error: 'limits[0].tokenBucket.maxTokens: expected an integer from 1 to 1000000, found string "5"',
  },
  {
    what: "no refill",
    configuration: bucket({ tokensPerFill: 0 }),
    error: "limits[0].tokenBucket.tokensPerFill: expected an integer",
  },
  {
    what: "null",
    configuration: bucket({ tokensPerFill: null }),
    error: "limits[0].tokenBucket.tokensPerFill: expected an integer from 1 to 1000000, found null",
  },
  {
    what: "no interval",
    configuration: { limits: [{ name: "a", tokenBucket: { maxTokens: 1 } }] },
    error: "limits[0].tokenBucket.fillInterval: expected a string",
  },
  {
    what: "an interval without unit",
    configuration: bucket({ fillInterval: "60" }),
    error: "limits[0].tokenBucket.fillInterval: expected a duration from 1ms to 744h",
  },
  {
    what: "an interval as a number",
    configuration: bucket({ fillInterval: 60 }),
    error: "limits[0].tokenBucket.fillInterval: expected a string",
  },
  {
    what: "an interval of nothing",
    configuration: bucket({ fillInterval: "0s" }),
    error: "limits[0].tokenBucket.fillInterval: expected a duration",
    schemaCannotTell: true,
  },
  {
    what: "an interval too long",
    configuration: bucket({ fillInterval: "745h" }),
    error: "limits[0].tokenBucket.fillInterval: expected a duration",
    schemaCannotTell: true,
  },
  {
    what: "an empty key",
    configuration: one({ key: [] }),
    error: "limits[0].key: expected at least one item, found array of 0",
  },
  {
    what: "a value of two sources",
    configuration: one({ key: [{ header: "a", cookie: "b" }] }),
    error:
      "limits[0].key[0]: expected exactly one of header, cookie, query, path, method, host, clientAddress, principal, claim, apiKey, routeName, clusterName, metadata, routeMetadata, clusterMetadata, property, constant, found header and cookie",
  },
  {
    what: "a value of no source",
    configuration: one({ key: [{}] }),
    error: "limits[0].key[0]: expected exactly one of",
  },
  {
    what: "a value of an unknown source",
    configuration: one({ key: [{ body: "a" }] }),
    error: "limits[0].key[0].body: unknown field",
  },
  {
    what: "a claim that authz cannot leave",
    configuration: one({ key: [{ claim: "tenant.id" }] }),
    error: "limits[0].key[0].claim: expected 1 to 64 of the characters A-Z a-z 0-9 _ -",
  },
  {
    what: "a header that is no name",
    configuration: one({ key: [{ header: "x key" }] }),
    error: "limits[0].key[0].header: expected the name of a header",
  },
  {
    what: "an empty header",
    configuration: one({ key: [{ header: "" }] }),
    error: "limits[0].key[0].header: expected a string that is not empty",
  },
  {
    what: "an empty property",
    configuration: one({ key: [{ property: [] }] }),
    error: "limits[0].key[0].property: expected at least one item",
  },
  {
    what: "a path with fields",
    configuration: one({ key: [{ path: { segment: 1 } }] }),
    error: "limits[0].key[0].path.segment: unknown field",
  },
  {
    what: "a path that is no object",
    configuration: one({ key: [{ path: true }] }),
    error: "limits[0].key[0].path: expected an object, found true",
  },
  {
    what: "a position too far",
    configuration: one({ key: [{ clientAddress: { xForwardedForPosition: 33 } }] }),
    error: "limits[0].key[0].clientAddress.xForwardedForPosition: expected an integer from 0 to 32",
  },
  {
    what: "an unknown meaning of a missing key",
    configuration: one({ missingKey: "fail" }),
    error: 'limits[0].missingKey: expected one of "empty", "skip", found string "fail"',
  },
  {
    what: "an unknown mode",
    configuration: one({ mode: "off" }),
    error: 'limits[0].mode: expected one of "enforce", "shadow"',
  },
  {
    what: "a path match of two tests",
    configuration: one({ match: { path: { exact: "/a", prefix: "/b" } } }),
    error:
      "limits[0].match.path: expected exactly one of exact, prefix, suffix, contains, regex, found exact and prefix",
  },
  {
    what: "an empty path match",
    configuration: one({ match: { path: { prefix: "" } } }),
    error: "limits[0].match.path.prefix: expected a string that is not empty",
  },
  {
    what: "no methods",
    configuration: one({ match: { methods: [] } }),
    error: "limits[0].match.methods: expected at least one item",
  },
  {
    what: "a header match without name",
    configuration: one({ match: { headers: [{ exact: "1" }] } }),
    error: "limits[0].match.headers[0].name: expected a string",
  },
  {
    what: "a header match without test",
    configuration: one({ match: { headers: [{ name: "a" }] } }),
    error:
      "limits[0].match.headers[0]: expected exactly one of exact, prefix, suffix, contains, regex, present, found none of them",
  },
  {
    what: "a presence in words",
    configuration: one({ match: { headers: [{ name: "a", present: "yes" }] } }),
    error: "limits[0].match.headers[0].present: expected true or false",
  },
  {
    what: "a cookie match without test",
    configuration: one({ match: { cookies: [{ name: "a" }] } }),
    error: "limits[0].match.cookies[0]: expected exactly one of",
  },
  {
    what: "too few slots",
    configuration: one({ slots: 3 }),
    error: "limits[0].slots: expected an integer from 4 to 1048576",
  },
  {
    what: "slots that are no multiple of 4",
    configuration: one({ slots: 1001 }),
    error: "limits[0].slots: expected a multiple of 4, found number 1001",
  },
  {
    what: "unknown headers",
    configuration: { ...one({}), headers: "draft" },
    error: 'headers: expected one of "x-ratelimit", "ratelimit", "both", "none"',
  },
  {
    what: "headers on",
    configuration: { ...one({}), headers: true },
    error: 'headers: expected one of "x-ratelimit", "ratelimit", "both", "none", found true',
  },
  {
    what: "a refusal that is none",
    configuration: { ...one({}), response: { status: 200 } },
    error: "response.status: expected an integer from 400 to 599, found number 200",
  },
  {
    what: "a body that is no text",
    configuration: { ...one({}), response: { body: {} } },
    error: "response.body: expected a string, found object",
  },
  {
    what: "two forms of a path",
    configuration: one({ key: [{ path: { segments: 1, templates: ["/"] } }] }),
    error: "limits[0].key[0].path: expected exactly one of segments, templates, template, found segments and templates",
  },
  {
    what: "no segments of a path",
    configuration: one({ key: [{ path: { segments: 0 } }] }),
    error: "limits[0].key[0].path.segments: expected an integer from 1 to 32",
  },
  {
    what: "a template that is none",
    configuration: one({ key: [{ path: { templates: ["/a/{id}b{"] } }] }),
    error: "limits[0].key[0].path.templates: expected a path whose segments are text",
    schemaCannotTell: true,
  },
  {
    what: "a segment that the template lacks",
    configuration: one({ key: [{ path: { template: "/a/{id}", segment: "name" } }] }),
    error: 'limits[0].key[0].path.segment: expected the name of a segment of the template, found string "name"',
    schemaCannotTell: true,
  },
  {
    what: "a prefix too long",
    configuration: one({ key: [{ clientAddress: { ipv4Prefix: 33 } }] }),
    error: "limits[0].key[0].clientAddress.ipv4Prefix: expected an integer from 0 to 32, found number 33",
  },
  {
    what: "an API key of no place",
    configuration: one({ key: [{ apiKey: {} }] }),
    error: "limits[0].key[0].apiKey: expected exactly one of header, query, cookie, found none of them",
  },
  {
    what: "metadata without key",
    configuration: one({ key: [{ metadata: ["envoy.lb"] }] }),
    error: "limits[0].key[0].metadata: expected a namespace and a key, found array of 1",
  },
  {
    what: "an empty default",
    configuration: one({ key: [{ header: "a", default: "" }] }),
    error: "limits[0].key[0].default: expected a string that is not empty",
  },
  {
    what: "a default where nothing is counted by",
    configuration: one({ match: { values: [{ value: { header: "a", default: "b" }, exact: "c" }] } }),
    error: "limits[0].match.values[0].value.default: unknown field",
  },
  {
    what: "a value match without test",
    configuration: one({ match: { values: [{ value: { host: {} } }] } }),
    error: "limits[0].match.values[0]: expected exactly one of exact, prefix",
  },
  {
    what: "an address match without ranges",
    configuration: one({ match: { clientAddress: {} } }),
    error: "limits[0].match.clientAddress.ranges: expected at least one range, found nothing",
  },
  {
    what: "a range with bits behind its prefix",
    configuration: { ...one({}), allow: [{ clientAddress: { ranges: ["10.1.0.0/8"] } }] },
    error: 'allow[0].clientAddress.ranges: expected ranges such as "10.0.0.0/8"',
    schemaCannotTell: true,
  },
  {
    what: "nobody on an allow list",
    configuration: { ...one({}), allow: [] },
    error: "allow: expected at least one item, found array of 0",
  },
  { what: "no exception", configuration: one({ except: [] }), error: "limits[0].except: expected at least one item" },
  {
    what: "an override without match",
    configuration: one({ overrides: [{ name: "b", unlimited: {} }] }),
    error: "limits[0].overrides[0].match: expected an object, found nothing",
  },
  {
    what: "an override without rate",
    configuration: one({ overrides: [{ name: "b", match: {} }] }),
    error: "limits[0].overrides[0]: expected exactly one of tokenBucket, gcra",
  },
  {
    what: "an override's name used twice",
    configuration: one({
      overrides: [
        { name: "b", match: {}, unlimited: {} },
        { name: "b", match: {}, tokenBucket },
      ],
    }),
    error: 'limits[0].overrides[1].name: expected a name that no override before has, found string "b"',
    schemaCannotTell: true,
  },
  {
    what: "an unknown scope",
    configuration: one({ scope: "cluster" }),
    error: 'limits[0].scope: expected one of "envoy", "worker", "fleet", "service", found string "cluster"',
  },
  {
    what: "a year",
    configuration: { limits: [{ name: "a", fixedWindow: { requests: 1, window: "year" } }] },
    error:
      'limits[0].fixedWindow.window: expected a duration from 1ms to 744h such as "60s" or "1h30m", or one of second, minute, hour, day, week, month',
  },
  {
    what: "too many in flight",
    configuration: { limits: [{ name: "a", concurrency: { requests: 65_536 } }] },
    error: "limits[0].concurrency.requests: expected an integer from 1 to 65535",
  },
  {
    what: "a lease too short",
    configuration: { limits: [{ name: "a", concurrency: { requests: 1, lease: "2s" } }] },
    error: "limits[0].concurrency.lease: expected a duration from 3s to 1h",
    schemaCannotTell: true,
  },
  {
    what: "a cost of requests in flight",
    configuration: { limits: [{ name: "a", concurrency: { requests: 1 }, cost: { hits: 2 } }] },
    error: "limits[0].cost: expected nothing, since requests in flight are counted, found object",
    schemaCannotTell: true,
  },
  {
    what: "a cost of responses where an override counts requests in flight",
    configuration: one({
      overrides: [{ name: "b", match: {}, concurrency: { requests: 1 } }],
      responseCost: { hits: 1 },
    }),
    error: "limits[0].responseCost: expected nothing, since requests in flight are counted",
    schemaCannotTell: true,
  },
  {
    what: "a largest cost of no header",
    configuration: one({ cost: { hits: 1, max: 2 } }),
    error: "limits[0].cost.max: unknown field",
  },
  {
    what: "a cost above the largest",
    configuration: one({ cost: { hits: 3, header: "x-cost", max: 2 } }),
    error: "limits[0].cost.hits: expected an integer from 0 to 2, found number 3",
    schemaCannotTell: true,
  },
  {
    what: "a cost of responses of two forms",
    configuration: one({ responseCost: { hits: 1, bytesPerHit: 1 } }),
    error: "limits[0].responseCost: expected exactly one of hits, header, bytesPerHit, found hits and bytesPerHit",
  },
  {
    what: "a largest cost of a fixed one",
    configuration: one({ responseCost: { hits: 1, max: 1 } }),
    error: "limits[0].responseCost.max: unknown field",
  },
  {
    what: "a status that is none",
    configuration: one({ responseCost: { hits: 1, statuses: ["6xx"] } }),
    error: 'limits[0].responseCost.statuses: expected statuses such as "404"',
  },
  {
    what: "statuses the wrong way round",
    configuration: one({ responseCost: { hits: 1, statuses: ["499-400"] } }),
    error: "limits[0].responseCost.statuses: expected statuses",
    schemaCannotTell: true,
  },
  {
    what: "a header for the upstream that Envoy needs",
    configuration: { ...one({}), shadowHeader: "Host" },
    error: "shadowHeader: expected the name of a header that a filter may set",
  },
  {
    what: "a header with a line break",
    configuration: { ...one({}), response: { headers: [{ name: "a", value: "b\r\nc" }] } },
    error: "response.headers[0].value: expected a text without control characters",
  },
  {
    what: "an unknown status of gRPC",
    configuration: { ...one({}), response: { grpcStatus: "OK" } },
    error: 'response.grpcStatus: expected one of "UNAVAILABLE", "RESOURCE_EXHAUSTED"',
  },
];

testConfigurations("ratelimit", good, bad);
