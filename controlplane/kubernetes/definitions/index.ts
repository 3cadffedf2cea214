export { customResourceDefinitions } from "./definitions.ts";
export { definitionFiles } from "./files.ts";
