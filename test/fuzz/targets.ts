// What is fuzzed: the filters, the examples and the fixtures of the SDK's tests.
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { filterModule } from "../../filters/testing/filter.ts";
import { filterNames } from "../../setup/filters.mjs";
import { globSync } from "../../setup/glob.mjs";
import { root } from "../../setup/paths.mjs";
import { compileComposed } from "../support/compose/compile.ts";
import { exampleModule, exampleNames, moduleOf } from "../support/examples.ts";

export interface Target {
  readonly name: string;
  readonly module: () => Promise<Uint8Array>;
  readonly rootIds: readonly string[];
  /** Configurations that it takes. */
  readonly configurations: readonly unknown[];
}

/** Fixtures; `probe` traps on demand, and is left out. */
const fixtures: Readonly<Record<string, readonly unknown[]>> = {
  "access-log": [{}],
  callouts: ["own", "shared"],
  metadata: [{}],
  path: [{}],
  small: [{}],
  sdk: [{ mark: "one" }, { mark: "two", shared: true }],
  tcp: [{}],
  typed: [{}],
  "compose/fused": [{ filters: ["a", "b", "c"].map((name) => ({ name, configuration: { name } })) }],
};

const FILTERS = filterNames();
const COMPOSED = "edge";
/** Takes the compiler long, and several tests want it. */
let compiled: Promise<Uint8Array> | undefined;

export function targets(): Target[] {
  return [
    ...FILTERS.map((name) => ({
      name,
      module: () => filterModule(name),
      rootIds: [name],
      configurations: documented(`filters/${name}`),
    })),
    {
      name: COMPOSED,
      module: () => (compiled ??= composed()),
      rootIds: [COMPOSED],
      configurations: [composedConfiguration()],
    },
    ...exampleNames().map((name) => ({
      name: `examples/${name}`,
      module: async () => readFileSync(await exampleModule(name)),
      rootIds: rootIdsOf(`examples/${name}`),
      configurations: configured(`examples/${name}/envoy.yaml`),
    })),
    ...Object.entries(fixtures).map(([name, configurations]) => ({
      name: `fixtures/${name}`,
      module: async () => readFileSync(await moduleOf(`test/fixtures/${name}.ts`, "test/fixtures", `fixtures/${name}`)),
      rootIds: rootIdsOf(`test/fixtures/${name}`),
      configurations,
    })),
  ];
}

/** The configurations in a filter's page. */
function documented(folder: string): unknown[] {
  const page = readFileSync(join(root, folder, "README.md"), "utf8");
  return [...page.matchAll(/```json\n([^]*?)```/g)].map(([, text = ""]) => JSON.parse(text) as unknown);
}

/** The configurations in an `envoy.yaml`: each `value: |` with what is indented below it. */
function configured(file: string): unknown[] {
  const text = readFileSync(join(root, file), "utf8");
  const found = [...text.matchAll(/^( *)value: \|\n((?:\1 +.*\n)+)/gm)].map(
    ([, , value = ""]) => JSON.parse(value) as unknown,
  );
  return found.length > 0 ? found : [{}];
}

function rootIdsOf(path: string): string[] {
  const files = globSync([path.split("/").slice(0, 2).join("/")], ".ts").filter((file) => file.startsWith(path));
  const found = files.flatMap((file) =>
    [
      ...readFileSync(join(root, file), "utf8").matchAll(/^(?:register\w+Context|composeRootContexts)\("([^"]*)"/gm),
    ].map(([, id = ""]) => id),
  );
  return found.length > 0 ? found : [""];
}

async function composed(): Promise<Uint8Array> {
  const module = join(root, "build", "fuzz", `${COMPOSED}.wasm`);
  mkdirSync(join(root, "build", "fuzz"), { recursive: true });
  await compileComposed(
    COMPOSED,
    FILTERS.map((name) => `filters/${name}`),
    module,
  );
  return readFileSync(module);
}

function composedConfiguration(): unknown {
  return { filters: FILTERS.map((name) => ({ name, configuration: documented(`filters/${name}`)[0] })) };
}
