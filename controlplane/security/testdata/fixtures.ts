import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Authority, type Issued, type IssueOptions } from "../authority.ts";

/** A folder that is removed by the caller. */
export function scratchFolder(): { readonly path: string; remove: () => void } {
  const path = mkdtempSync(join(tmpdir(), "meshwright-security-"));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** An authority, and how it issues. */
export interface TestAuthority {
  readonly certificate: string;
  readonly privateKey: string;
  issue(uri: string, more?: Partial<IssueOptions>): Promise<Issued>;
}

export async function testAuthority(trustDomain = "cluster.local"): Promise<TestAuthority> {
  const pair = await Authority.create(trustDomain);
  const authority = await Authority.load(pair);
  return { ...pair, issue: (uri, more) => authority.issue({ uri, lifetimeMs: 3_600_000, ...more }) };
}

/** Writes text to a file. */
export function put(folder: string, name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text, { mode: 0o600 });
  return path;
}
