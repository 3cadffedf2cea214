export { FolderSource, type FolderOptions } from "./folder.ts";
export { loadFromSource } from "./load.ts";
export { MergedSource } from "./merged.ts";
export type { FilterStatus, RolloutStatus, Source, SourceEvent, SourceStatus, StopWatching } from "./source.ts";
