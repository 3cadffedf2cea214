export { FetchError, ModuleFetcher, type ModuleFetcherOptions, type RemoteModule } from "./fetcher.ts";
export { ModuleStore, type StoredModule } from "./store.ts";
export { pathOf, serveModule } from "./handler.ts";
