export { FetchError, ModuleFetcher, type ModuleFetcherOptions, type RemoteModule } from "./fetcher.ts";
export { MemoryPins, StoredPins, type Pins } from "./pins.ts";
export { ModuleStore, type StoredModule } from "./store.ts";
export { pathOf, serveModule } from "./handler.ts";
