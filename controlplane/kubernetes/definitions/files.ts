import { stringify } from "yaml";
import { customResourceDefinitions } from "./definitions.ts";

/** The CustomResourceDefinitions as files of YAML, by name: what deploy/crds has. */
export function definitionFiles(): ReadonlyMap<string, string> {
  const files = [...customResourceDefinitions()].map(([name, definition]) => {
    const text = stringify(definition, { lineWidth: 0, aliasDuplicateObjects: false });
    return [`${name}.yaml`, `# Made of the schemas in controlplane/model/schemas by npm run crds.\n${text}`] as const;
  });
  return new Map(files);
}
