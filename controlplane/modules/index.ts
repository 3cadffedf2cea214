export { FetchError } from "./downloads.ts";
export {
  imageName,
  ModuleFetcher,
  publicPlace,
  type ImageSignatures,
  type ModuleFetcherOptions,
  type RemoteModule,
} from "./fetcher.ts";
export { SignatureChecks, type SignatureCheck, type SignedModule } from "./signature-checks.ts";
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
