import { signFilter } from "../../filter/sign.ts";

export interface SignFlags {
  readonly key: string;
  readonly out?: string;
}

/** `meshwright filter sign`. */
export function sign(file: string, { key, out = `${file}.sig` }: SignFlags): void {
  signFilter(file, key, out);
  process.stdout.write(`${out}: written\n`);
}
