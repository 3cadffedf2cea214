export { injectFiles, InjectFileError, type FileOptions, type InjectedFile } from "./files.ts";
export { inject, type InjectOptions, type Injection } from "./inject.ts";
export { difference, type PatchOperation } from "./json-patch.ts";
export * from "./names.ts";
export { asPod, PodError, type Pod, type Selecting } from "./pod.ts";
export { parseSettings, SettingsError, usualSettings, type InjectSettings } from "./settings.ts";
