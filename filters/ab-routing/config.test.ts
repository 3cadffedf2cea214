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
];

const bad: Bad[] = [
  { what: "nothing", configuration: {}, error: "experiments: expected 1 to 64 experiments, found nothing" },
  {
    what: "65 experiments",
    configuration: {
      experiments: Array.from({ length: 65 }, (_, i) => ({ ...experiment, name: `e${i}`, header: `x-${i}` })),
    },
    error: "experiments: expected 1 to 64 experiments, found array of 65",
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
];

testConfigurations("ab-routing", good, bad);
