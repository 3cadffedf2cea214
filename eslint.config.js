import js from "@eslint/js";
import tseslint from "typescript-eslint";

export default tseslint.config(
  {
    // AssemblyScript is checked by its own compiler: its sources are no TypeScript to eslint.
    ignores: [
      "**/node_modules/",
      "**/dist/",
      ".cache/",
      "build/",
      "controlplane/gen/",
      "controlplane/filter/template/",
      "assembly/**/*.ts",
      "!assembly/transform/**/*.ts",
      "!assembly/**/*.test.ts",
      "filters/**/*.ts",
      "!filters/**/*.test.ts",
      "!filters/testing/**/*.ts",
      "examples/**/*.ts",
      "!examples/**/*.test.ts",
      "host/testdata/",
      "test/fixtures/",
      "bench/filters/",
    ],
  },
  js.configs.recommended,
  tseslint.configs.strictTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    linterOptions: { reportUnusedDisableDirectives: "error" },
    rules: {
      "@typescript-eslint/consistent-type-imports": "error",
      "@typescript-eslint/switch-exhaustiveness-check": ["error", { considerDefaultExhaustiveForUnions: true }],
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true, allowBoolean: true }],
      "@typescript-eslint/no-confusing-void-expression": ["error", { ignoreArrowShorthand: true }],
      "no-console": "error",
    },
  },
  {
    files: ["controlplane/**/*.ts"],
    ignores: ["**/*.test.ts"],
    rules: {
      "no-restricted-syntax": [
        "error",
        {
          selector: "ImportExpression > Literal[value=/^(?![.]|@meshwright[/])/]",
          message: "A package of CommonJS has no names then in the bundle: import a file that exports from it.",
        },
      ],
    },
  },
  {
    files: ["**/*.test.ts"],
    rules: {
      // node:test runs what test() is given; its promise needs no handling at top level.
      "@typescript-eslint/no-floating-promises": "off",
      "@typescript-eslint/no-non-null-assertion": "off",
    },
  },
  {
    files: ["**/*.mjs", "**/*.js"],
    extends: [tseslint.configs.disableTypeChecked],
    languageOptions: { globals: { process: "readonly", console: "readonly", Buffer: "readonly", URL: "readonly" } },
  },
);
