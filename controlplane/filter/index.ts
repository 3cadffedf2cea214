/** What `meshwright filter` does, without its command line. See README.md. */

export { buildFilter, buildWith, type BuildOptions, type BuildResult } from "./build.ts";
export { isManifest, withComposed } from "./compose.ts";
export { FilterError } from "./filter-error.ts";
export { findProject, type Project } from "./project.ts";
export { packFilter, type Packed, type PackOptions } from "./pack.ts";
export { readCodeMap, readModule } from "./read-module.ts";
export { readSigningKey, signFilter } from "./sign.ts";
export type { CodeGroup, Share } from "./code-groups.ts";
export { reportModule, type ExportReport, type ModuleReport } from "./report.ts";
export { nameWithPlaces, Symbolizer } from "./symbolize.ts";
export type { Variant } from "../oci/index.ts";
export { DevSession, type DevEvent, type DevOptions } from "./dev/session.ts";
export { scaffold, type Scaffolded } from "./scaffold.ts";
