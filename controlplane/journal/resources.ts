import { compareProblems, formatProblem, type Problem, type SourceFile } from "../model/index.ts";
import type { Source } from "../source/index.ts";
import { AssetStore } from "./assets.ts";
import { changesBack, changesTo, keysOf } from "./changes.ts";
import { identityOf, splitDocuments, type TextDocument } from "./documents.ts";
import { JournalSource } from "./journal-source.ts";
import type { Journal, Signature } from "./journal.ts";
import { applyRevision, keyOf, type Change, type ResourceText, type Revision, type State } from "./revision.ts";

/** A file that is applied, with the files that its WasmModules name, by what they name them. */
export interface AppliedFile {
  readonly path: string;
  readonly text: string;
  readonly assets: ReadonlyMap<string, Uint8Array>;
}

export interface ChangeOptions {
  /** Everything but the change itself. */
  readonly dryRun: boolean;
  /** The revision that the caller looked at: what was changed after it is not overwritten. */
  readonly base?: number;
}

/** What a change has changed, or would change. */
export interface Outcome {
  /** Absent when nothing was changed. */
  readonly revision?: number;
  readonly changes: readonly Change[];
}

/** The resources would not be valid. */
export class FaultsError extends Error {
  override readonly name = "FaultsError";
  readonly problems: readonly Problem[];
  readonly changes: readonly Change[];

  constructor(problems: readonly Problem[], changes: readonly Change[]) {
    super(problems.map(formatProblem).join("\n"));
    this.problems = problems;
    this.changes = changes;
  }
}

/** A resource was changed after the revision that the caller looked at. */
export class StaleError extends Error {
  override readonly name = "StaleError";
  readonly conflicts: readonly Conflict[];

  constructor(conflicts: readonly Conflict[]) {
    super(
      conflicts
        .map(({ resource, revision, author }) => `${resource} was changed by ${author} in revision ${revision}`)
        .join("; "),
    );
    this.conflicts = conflicts;
  }
}

/** Who changed a resource, and when. */
export interface Conflict {
  readonly resource: string;
  readonly revision: number;
  readonly author: string;
  readonly time: string;
  readonly message: string;
}

/** There is no such resource or revision. */
export class NotFoundError extends Error {
  override readonly name = "NotFoundError";
}

/** What is wrong with all resources as they would be. */
export type Check = (candidate: Source) => Promise<readonly Problem[]>;

/** Changes the resources of a journal: all of what is asked for, or nothing, and nothing that could not be served. */
export class Resources {
  readonly journal: Journal;
  readonly #check: Check;

  constructor(journal: Journal, check: Check) {
    this.journal = journal;
    this.#check = check;
  }

  /**
   * Creates and updates resources.
   *
   * @throws FaultsError StaleError StoreUnavailableError
   */
  apply(files: readonly AppliedFile[], signature: Signature, options: ChangeOptions): Promise<Outcome> {
    const assets = new Map(
      files.flatMap((file) => [...file.assets.values()].map((bytes) => [AssetStore.hash(bytes), bytes])),
    );
    return this.#change(signature, options, assets, (state) => {
      const wanted = new Map<string, ResourceText>();
      const others: SourceFile[] = [];
      for (const file of files) {
        for (const document of splitDocuments(file)) {
          const identity = identityOf(document);
          const key = identity && keyOf(identity);
          // A document that is no resource, or a second one of the same name, is left to the check, which says so.
          if (key === undefined || wanted.has(key)) others.push(document);
          else wanted.set(key, resourceText(document, file, state.resources.get(key)));
        }
      }
      return { changes: changesTo(state, wanted), others };
    });
  }

  /**
   * Deletes resources, each as `Kind/name`.
   *
   * @throws NotFoundError when one is not there. FaultsError StaleError StoreUnavailableError
   */
  delete(keys: readonly string[], signature: Signature, options: ChangeOptions): Promise<Outcome> {
    return this.#change(signature, options, new Map(), (state) => {
      const missing = keys.find((key) => !state.resources.has(key));
      if (missing !== undefined) throw new NotFoundError(`there is no applied resource ${missing}`);
      return { changes: changesTo(state, new Map(keys.map((key) => [key, undefined]))), others: [] };
    });
  }

  /**
   * Makes all resources what they were after an earlier revision, by a new one.
   *
   * @throws NotFoundError when there was no such revision. FaultsError StaleError StoreUnavailableError
   */
  async rollback(revision: number, signature: Signature, options: ChangeOptions): Promise<Outcome> {
    const earlier = await this.journal.stateAt(revision);
    if (earlier === undefined) throw new NotFoundError(`there is no revision ${revision}`);
    return this.#change(signature, options, new Map(), (state) => ({
      changes: changesBack(state, earlier),
      others: [],
    }));
  }

  async #change(
    signature: Signature,
    { dryRun, base }: ChangeOptions,
    assets: ReadonlyMap<string, Uint8Array>,
    plan: (state: State) => { readonly changes: readonly Change[]; readonly others: readonly SourceFile[] },
  ): Promise<Outcome> {
    const decide = async (state: State): Promise<readonly Change[]> => {
      const { changes, others } = plan(state);
      if (base !== undefined) await this.#refuseStale(base, changes);
      if (changes.length === 0 && others.length === 0) return [];
      const candidate = applyRevision(state, { revision: state.revision + 1, changes });
      const problems = await this.#check(new JournalSource(this.journal, { state: candidate, others, assets }));
      if (problems.length > 0) throw new FaultsError([...problems].sort(compareProblems), changes);
      return changes;
    };
    if (dryRun) return { changes: await decide(await this.journal.state()) };
    let changes: readonly Change[] = [];
    const revision = await this.journal.change(signature, async (state) => {
      changes = await decide(state);
      const named = new Set(changes.flatMap(({ after }) => Object.values(after?.assets ?? {})));
      for (const [sha256, bytes] of assets) if (named.has(sha256)) await this.journal.assets.put(bytes);
      return changes;
    });
    return revision === undefined ? { changes } : { revision: revision.revision, changes };
  }

  async #refuseStale(base: number, changes: readonly Change[]): Promise<void> {
    const keys = new Set(keysOf(changes));
    const conflicts = new Map<string, Conflict>();
    for (const later of await this.journal.revisions(base)) {
      for (const resource of keysOf(later.changes)) {
        if (keys.has(resource)) conflicts.set(resource, conflictOf(resource, later));
      }
    }
    if (conflicts.size > 0) throw new StaleError([...conflicts.values()]);
  }
}

function conflictOf(resource: string, { revision, author, time, message }: Revision): Conflict {
  return { resource, revision, author, time, message };
}

/** The files that a resource names may be left out when they were sent with it before. */
function resourceText(
  { path, line, text }: TextDocument,
  { assets }: AppliedFile,
  before: ResourceText | undefined,
): ResourceText {
  const kept = new Map(Object.entries(before?.assets ?? {}));
  for (const [name, bytes] of assets) kept.set(name, AssetStore.hash(bytes));
  const named = [...kept].filter(([name]) => text.includes(name));
  return { file: path, line, text, assets: Object.fromEntries(named) };
}
