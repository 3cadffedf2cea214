export { AssetStore } from "./assets.ts";
export { identityOf, joinDocuments, splitDocuments, type Identity, type TextDocument } from "./documents.ts";
export { hideResource, hideRevision } from "./hidden.ts";
export { Journal, type Signature } from "./journal.ts";
export { JournalSource } from "./journal-source.ts";
export { remoteModules, type NamedModule } from "./remote-modules.ts";
export {
  FaultsError,
  NotFoundError,
  Resources,
  StaleError,
  type AppliedFile,
  type ChangeOptions,
  type Check,
  type Conflict,
  type Outcome,
} from "./resources.ts";
export { keyOf, type Change, type ResourceText, type Revision, type State, type StoredResource } from "./revision.ts";
