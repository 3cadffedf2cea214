import { testConfigurations, type Bad, type Good } from "../testing/configurations.ts";

const experiment = { name: "a", header: "x-a", default: "off" };
const split = { key: [{ cookie: "uid" }], variants: [{ name: "off", weight: 10_000 }] };
const one = (fields: object): object => ({ experiments: [{ ...experiment, ...fields }] });
const splitOf = (fields: object): object => one({ split: { ...split, ...fields } });
const two = (fields: object): object => ({
  experiments: [
    { ...experiment, responseHeader: "x-told" },
    { ...experiment, name: "b", header: "x-b", ...fields },
  ],
});

const good: Good[] = [
  ["the least", one({})],
  [
    "everything",
    one({
      responseHeader: "x-told",
      filterState: true,
      rules: [
        {
          match: {
            path: { suffix: "a" },
            methods: ["GET"],
            headers: [{ name: "x-b", present: true }],
            cookies: [{ name: "c", exact: "1" }],
          },
          variant: "on",
        },
        { match: {}, variant: "off" },
      ],
      split: {
        key: [{ cookie: "uid" }, { header: "x-user" }, { clientAddress: { xForwardedForPosition: 1 } }],
        salt: "2026",
        variants: [
          { name: "on", weight: 1 },
          { name: "off", weight: 4999 },
          { name: "on", weight: 5000 },
          { name: "off", weight: 0 },
        ],
      },
    }),
  ],
  ["rules without a split", one({ rules: [{ match: { path: { exact: "/" } }, variant: "on" }] })],
  ["an empty salt", splitOf({ salt: "" })],
  ["two experiments", two({})],
  [
    "everything around a split",
    {
      anonymousId: {
        cookie: "__Host-ab",
        secrets: ["AAECAwQFBgcICQoLDA0ODw", "Dw4NDAsKCQgHBgUEAwIBAA"],
        maxAge: "720h",
        path: "/",
        secure: true,
        sameSite: "none",
      },
      holdout: { key: [{ header: "x-user" }], anonymous: true, salt: "1", share: 500 },
      layers: [{ name: "page", key: [{ header: "x-user" }], salt: "2" }],
      experiments: [
        {
          ...experiment,
          enabled: false,
          active: { from: "2026-11-01T00:00:00Z", until: "2026-12-01T00:00:00Z" },
          when: { path: { prefix: "/shop/" } },
          force: {
            from: [{ header: "x-force" }, { cookie: "force" }],
            when: { headers: [{ name: "x-staff", present: true }] },
          },
          holdout: false,
          layer: { name: "page", from: 0, to: 5000 },
          measure: true,
          split: {
            ...split,
            anonymous: true,
            algorithm: "growthbook",
            variants: [...split.variants, { name: "on", weight: 0 }],
          },
          effects: [
            {
              variant: "on",
              requestHeaders: {
                set: [{ name: "x-b", value: "1" }],
                add: [{ name: "x-c", value: "2" }],
                remove: ["x-d"],
              },
              responseHeaders: { set: [{ name: "vary", value: "cookie" }] },
              rewrite: { host: "new.example", prefix: "/shop", replacePrefixMatch: "/" },
              fault: { delay: "200ms", abort: 503, share: 1 },
            },
            { variant: "off", rewrite: { replaceFullPath: "/old" } },
          ],
        },
        { ...experiment, name: "b", header: "x-e", layer: { name: "page", from: 5000, to: 10_000 } },
      ],
    },
  ],
  ["a window of the week", one({ active: { days: ["mon"], start: "08:00" } })],
  [
    "Unleash's weights",
    splitOf({
      algorithm: "unleash",
      variants: [
        { name: "off", weight: 33 },
        { name: "on", weight: 66 },
      ],
    }),
  ],
];

const id = { cookie: "uid", secrets: ["AAECAwQFBgcICQoLDA0ODw"] };
const withId = (fields: object): object => ({ ...one({}), anonymousId: { ...id, ...fields } });
const layered = (layers: unknown, ...slices: object[]): object => ({
  layers,
  experiments: slices.map((layer, i) => ({ ...experiment, name: `e${i}`, header: `x-${i}`, layer })),
});
const page = { name: "page", key: [{ header: "x-user" }] };
const effect = (fields: object): object => one({ effects: [{ variant: "off", ...fields }] });

/** What a split is surrounded by. */
const around: [what: string, configuration: object, error: string, schemaCannotTell?: boolean][] = [
  ["an id without secrets", withId({ secrets: [] }), "anonymousId.secrets: expected at least one secret"],
  ["a short secret", withId({ secrets: ["c2VjcmV0"] }), "anonymousId.secrets: expected at least 16 random bytes each"],
  ["a cookie with a space", withId({ cookie: "a b" }), "anonymousId.cookie: expected a cookie that browsers store"],
  [
    "SameSite=None without Secure",
    withId({ sameSite: "none", secure: false }),
    "anonymousId.cookie: expected a cookie that browsers store (secure: expected with SameSite=None)",
    true,
  ],
  ["a cookie for ever", withId({ maxAge: "9601h" }), "anonymousId.maxAge: expected a duration from 1s to 9600h", true],
  ["another sameSite", withId({ sameSite: "Lax" }), "anonymousId.sameSite: expected one of"],
  [
    "anonymous keys without an id",
    splitOf({ anonymous: true }),
    "experiments[0].split.anonymous: expected anonymousId beside the experiments",
    true,
  ],
  ["a holdout of nobody", { ...one({}), holdout: { key: split.key, share: 0 } }, "holdout.share: expected an integer"],
  [
    "a holdout without key",
    { ...one({}), holdout: { share: 1 } },
    "holdout.key: expected an array of at least one item",
  ],
  [
    "two layers of one name",
    layered([page, page], { name: "page", from: 0, to: 1 }),
    "layers[1].name: expected a name",
    true,
  ],
  [
    "an unknown layer",
    layered([page], { name: "pag", from: 0, to: 1 }),
    "experiments[0].layer.name: expected the name of one of layers",
    true,
  ],
  [
    "an empty slice",
    layered([page], { name: "page", from: 1, to: 1 }),
    "experiments[0].layer.to: expected more than from",
    true,
  ],
  [
    "slices that overlap",
    layered([page], { name: "page", from: 0, to: 5001 }, { name: "page", from: 5000, to: 10_000 }),
    'experiments[1].layer.from: expected places that no experiment before has in layer "page"',
    true,
  ],
  ["a force from nowhere", one({ force: { from: [] } }), "experiments[0].force.from: expected at least one item"],
  [
    "a force by a header that an experiment sets",
    one({ force: { from: [{ header: "x-a" }] } }),
    'experiments[0].force: expected a header that no experiment sets, found "x-a"',
    true,
  ],
  [
    "a time that is none",
    one({ active: { from: "2026-02-30T00:00:00Z" } }),
    "experiments[0].active.from: expected a time such as",
    true,
  ],
  ["another algorithm", splitOf({ algorithm: "md5" }), "experiments[0].split.algorithm: expected one of"],
  [
    "Unleash without weights",
    splitOf({ algorithm: "unleash", variants: [{ name: "off", weight: 0 }] }),
    "experiments[0].split.variants: expected weights that add up to 1 or more",
    true,
  ],
  [
    "two effects of a variant",
    one({ effects: [{ variant: "off" }, { variant: "off" }] }),
    "experiments[0].effects[1].variant: expected a variant that no effect before is of",
    true,
  ],
  [
    "an effect on a header that tells a variant",
    effect({ requestHeaders: { remove: ["X-A"] } }),
    'experiments[0].effects[0].requestHeaders: expected headers that tell no variant, found "x-a"',
    true,
  ],
  [
    "an effect on a header of HTTP itself",
    effect({ responseHeaders: { remove: ["content-length"] } }),
    "experiments[0].effects[0].responseHeaders.remove: expected names of headers that a filter may remove",
  ],
  [
    "a value with a line end",
    effect({ requestHeaders: { set: [{ name: "x-b", value: "1\r\nx-c: 2" }] } }),
    "experiments[0].effects[0].requestHeaders.set[0].value: expected text without controls",
  ],
  [
    "a rewrite to nothing",
    effect({ rewrite: {} }),
    "experiments[0].effects[0].rewrite.host: expected host, replaceFullPath or prefix",
  ],
  [
    "a path with a query",
    effect({ rewrite: { replaceFullPath: "/a?b" } }),
    "experiments[0].effects[0].rewrite.replaceFullPath: expected a path",
  ],
  [
    "a replacement of nothing",
    effect({ rewrite: { replacePrefixMatch: "/a" } }),
    "experiments[0].effects[0].rewrite.prefix: expected the prefix",
  ],
  ["a fault of nothing", effect({ fault: {} }), "experiments[0].effects[0].fault.delay: expected delay, abort or both"],
  [
    "an abort with 100",
    effect({ fault: { abort: 100 } }),
    "experiments[0].effects[0].fault.abort: expected an integer from 200 to 599",
  ],
  [
    "a delay of an hour",
    effect({ fault: { delay: "1h" } }),
    "experiments[0].effects[0].fault.delay: expected a duration",
    true,
  ],
];

const bad: Bad[] = [
  { what: "nothing", configuration: {}, error: "experiments: expected 1 to 256 experiments, found nothing" },
  {
    what: "257 experiments",
    configuration: {
      experiments: Array.from({ length: 257 }, (_, i) => ({ ...experiment, name: `e${i}`, header: `x-${i}` })),
    },
    error: "experiments: expected 1 to 256 experiments, found array of 257",
  },
  { what: "an unknown field", configuration: one({ weight: 1 }), error: "experiments[0].weight: unknown field" },
  {
    what: "a name with a slash",
    configuration: one({ name: "a/b" }),
    error: "experiments[0].name: expected 1 to 64 of the characters",
  },
  {
    what: "no header",
    configuration: { experiments: [{ name: "a", default: "off" }] },
    error: "experiments[0].header: expected a string",
  },
  {
    what: "a pseudo-header",
    configuration: one({ header: ":path" }),
    error: "experiments[0].header: expected the name of a header that a filter may set",
  },
  {
    what: "a header of HTTP itself",
    configuration: one({ header: "Host" }),
    error: "experiments[0].header: expected the name of a header that a filter may set",
  },
  {
    what: "a header with a space",
    configuration: one({ responseHeader: "x a" }),
    error: "experiments[0].responseHeader: expected the name of a header",
  },
  {
    what: "no default",
    configuration: { experiments: [{ name: "a", header: "x-a" }] },
    error: "experiments[0].default: expected a string",
  },
  {
    what: "a variant with a space",
    configuration: one({ default: "o n" }),
    error: "experiments[0].default: expected 1 to 64 of the characters",
  },
  {
    what: "a word for a bool",
    configuration: one({ filterState: "yes" }),
    error: "experiments[0].filterState: expected true or false",
  },
  { what: "no rules", configuration: one({ rules: [] }), error: "experiments[0].rules: expected at least one item" },
  {
    what: "a rule without match",
    configuration: one({ rules: [{ variant: "on" }] }),
    error: "experiments[0].rules[0].match: expected an object, found nothing",
  },
  {
    what: "a rule without variant",
    configuration: one({ rules: [{ match: {} }] }),
    error: "experiments[0].rules[0].variant: expected a string",
  },
  {
    what: "a rule's variant that the split does not have",
    configuration: one({ split, rules: [{ match: {}, variant: "of" }] }),
    error: 'experiments[0].rules[0].variant: expected one of the split\'s variants "off", found string "of"',
    schemaCannotTell: true,
  },
  {
    what: "a default that the split does not have",
    configuration: one({ split, default: "on" }),
    error: "experiments[0].default: expected one of the split's variants",
    schemaCannotTell: true,
  },
  {
    what: "a split without key",
    configuration: one({ split: { variants: split.variants } }),
    error: "experiments[0].split.key: expected an array of at least one item, found nothing",
  },
  {
    what: "a split with an empty key",
    configuration: splitOf({ key: [] }),
    error: "experiments[0].split.key: expected at least one item",
  },
  {
    what: "a key of two sources",
    configuration: splitOf({ key: [{ cookie: "a", header: "b" }] }),
    error: "experiments[0].split.key[0]: expected exactly one of",
  },
  {
    what: "a salt that is no text",
    configuration: splitOf({ salt: 1 }),
    error: "experiments[0].split.salt: expected a string, found number 1",
  },
  {
    what: "a split without variants",
    configuration: one({ split: { key: split.key } }),
    error: "experiments[0].split.variants: expected weights that add up to 10000 (100 %) and not to 0, found nothing",
  },
  {
    what: "a weight out of range",
    configuration: splitOf({ variants: [{ name: "off", weight: 10_001 }] }),
    error: "experiments[0].split.variants[0].weight: expected an integer from 0 to 10000",
  },
  {
    what: "a weight that is not whole",
    configuration: splitOf({ variants: [{ name: "off", weight: 0.5 }] }),
    error: "experiments[0].split.variants[0].weight: expected an integer from 0 to 10000, found number 0.5",
  },
  {
    what: "weights that do not add up",
    configuration: splitOf({ variants: [{ name: "off", weight: 9990 }] }),
    error: "experiments[0].split.variants: expected weights that add up to 10000 (100 %) and not to 9990",
    schemaCannotTell: true,
  },
  {
    what: "a name used twice",
    configuration: two({ name: "a" }),
    error: "experiments[1].name: expected a name that no experiment before has",
    schemaCannotTell: true,
  },
  {
    what: "a header used twice",
    configuration: two({ header: "X-A" }),
    error: "experiments[1].header: expected a header that no experiment before sets",
    schemaCannotTell: true,
  },
  {
    what: "a response header used twice",
    configuration: two({ responseHeader: "x-told" }),
    error: "experiments[1].responseHeader: expected a header",
    schemaCannotTell: true,
  },
  {
    what: "a rule on a header that an experiment sets",
    configuration: two({ rules: [{ match: { headers: [{ name: "X-A", exact: "1" }] }, variant: "on" }] }),
    error: 'experiments[1].rules[0].match: expected a header that no experiment sets, found "x-a"',
    schemaCannotTell: true,
  },
  {
    what: "a key from a header that an experiment sets",
    configuration: two({ split: { ...split, key: [{ header: "x-b" }] } }),
    error: 'experiments[1].split.key[0]: expected a header that no experiment sets, found "x-b"',
    schemaCannotTell: true,
  },
  ...around.map(([what, configuration, error, schemaCannotTell = false]) => ({
    what,
    configuration,
    error,
    schemaCannotTell,
  })),
];

testConfigurations("ab-routing", good, bad);
