export { FolderSource, type FolderOptions } from "./folder.ts";
export { loadFromSource } from "./load.ts";
export { MergedSource } from "./merged.ts";
export type { Source, StopWatching } from "./source.ts";
