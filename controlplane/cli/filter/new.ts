import { join } from "node:path";
import { scaffold } from "../../filter/scaffold.ts";

/** `meshwright filter new`. */
export function create(name: string, { dir }: { readonly dir?: string }): void {
  const { folder } = scaffold(name, dir ?? join(".", name));
  process.stdout.write(`${folder} is made. Next:\n\n  cd ${folder}\n  npm install\n  npm test\n  npm run dev\n`);
}
