/** A resource as it was written, and where. */
export interface ResourceText {
  /** The file that it was sent as, for messages. */
  readonly file: string;
  /** The line of that file on which `text` begins. */
  readonly line: number;
  readonly text: string;
  /** The SHA-256 of the files that it names, by what it names them. */
  readonly assets: Readonly<Record<string, string>>;
}

/** What became of one resource. `after` is absent when it was deleted. */
export interface Change {
  readonly kind: string;
  readonly name: string;
  readonly change: "created" | "updated" | "deleted";
  /** As `diff -u` shows it. */
  readonly diff: string;
  readonly after?: ResourceText;
}

/** A change that was accepted. */
export interface Revision {
  /** 1 for the first change; each change has the next number, whatever the clock says. */
  readonly revision: number;
  /** By the clock of the control plane, as ISO 8601. */
  readonly time: string;
  readonly author: string;
  readonly message: string;
  readonly changes: readonly Change[];
}

/** A resource, with the revision that changed it last: its resource version. */
export interface StoredResource extends ResourceText {
  readonly kind: string;
  readonly name: string;
  readonly resourceVersion: number;
}

/** All resources after a revision, by {@link keyOf}. */
export interface State {
  readonly revision: number;
  readonly resources: ReadonlyMap<string, StoredResource>;
}

export const emptyState: State = { revision: 0, resources: new Map() };

/** `Kind/name`. */
export function keyOf({ kind, name }: { readonly kind: string; readonly name: string }): string {
  return `${kind}/${name}`;
}

/** The state after one more revision. */
export function applyRevision(state: State, { revision, changes }: Pick<Revision, "revision" | "changes">): State {
  const resources = new Map(state.resources);
  for (const { kind, name, after } of changes) {
    if (after === undefined) resources.delete(keyOf({ kind, name }));
    else resources.set(keyOf({ kind, name }), { ...after, kind, name, resourceVersion: revision });
  }
  return { revision, resources };
}
