// Caches of one worker.

export { LRU_ENTRY_OVERHEAD, LruCache } from "./lru-cache";
