export type { EtcdOptions } from "./etcd.ts";
export { openStore, type StoreOptions } from "./open.ts";
export { LargeText } from "./large-text.ts";
export { SqliteStore } from "./sqlite.ts";
export {
  ConflictError,
  CorruptStoreError,
  DeposedError,
  MAX_BLOB,
  MAX_EVENTS,
  StoreUnavailableError,
  type Blob,
  type BlobVersion,
  type Candidacy,
  type ElectionObserver,
  type Json,
  type NoticeChanges,
  type Notices,
  type StopWatching,
  type Store,
  type StoredEvent,
  type Term,
} from "./store.ts";
