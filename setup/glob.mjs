import { readdirSync } from "node:fs";
import { join } from "node:path";
import { root } from "./paths.mjs";

/**
 * Files below some folders of the repository whose names end so, as paths from its root.
 * @param {readonly string[]} folders
 * @param {string} ending
 * @returns {string[]}
 */
export function globSync(folders, ending) {
  /** @type {string[]} */
  const found = [];
  /** @param {string} folder */
  const walk = (folder) => {
    for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
      if (["node_modules", "dist", "gen"].includes(entry.name)) continue;
      const path = `${folder}/${entry.name}`;
      if (entry.isDirectory()) walk(path);
      else if (entry.name.endsWith(ending)) found.push(path);
    }
  };
  folders.forEach(walk);
  return found.sort();
}
