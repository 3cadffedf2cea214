import { createReadStream } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import type { ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import type { Store } from "../store/index.ts";
import { send } from "./send.ts";

/** Where a copy of the store is had. */
export const BACKUP_PATH = "/api/v1/backup";

/** Answers with a copy of the store, as of one moment. */
export async function sendBackup(store: Pick<Store, "backup">, response: ServerResponse): Promise<void> {
  let folder: string | undefined;
  try {
    folder = await mkdtemp(join(tmpdir(), "meshwright-backup-"));
    const file = join(folder, "state.db");
    await store.backup?.(file);
    response.writeHead(200, { "content-type": "application/vnd.sqlite3" });
    await pipeline(createReadStream(file), response);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    // One that has begun is cut off, which the client sees: it is sent in chunks.
    if (response.headersSent) response.destroy();
    else send(response, 503, { error: `no copy could be made: ${reason}` });
  } finally {
    if (folder !== undefined) await rm(folder, { recursive: true, force: true });
  }
}
