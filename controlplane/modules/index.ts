export { ModuleStore, type StoredModule } from "./store.ts";
export { serveModule } from "./handler.ts";
