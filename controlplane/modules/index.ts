export { ModuleStore, type StoredModule } from "./store.ts";
export { pathOf, serveModule } from "./handler.ts";
