export { FetchError, ModuleFetcher, publicPlace, type ModuleFetcherOptions, type RemoteModule } from "./fetcher.ts";
export { Catalog, type CatalogEntry } from "./catalog.ts";
export {
  Collector,
  type CollectionReport,
  type CollectorOptions,
  type ModuleReferences,
  type ModuleReport,
} from "./collector.ts";
export { MemoryPins, StoredPins, type Pin, type Pins } from "./pins.ts";
export { ModuleStore, type StoredModule } from "./store.ts";
export { pathOf, serveModule } from "./handler.ts";
