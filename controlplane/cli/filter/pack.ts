import type { Variant } from "../../oci/image.ts";
import { packFilter } from "../../filter/pack.ts";

export interface PackFlags {
  readonly tag: string;
  readonly out?: string;
  readonly push: boolean;
  readonly sign?: string;
  readonly variant: Variant;
  readonly rootId: readonly string[];
}

/** `meshwright filter pack`. */
export async function pack(file: string, flags: PackFlags): Promise<void> {
  const { tag, out, push, sign, variant, rootId } = flags;
  const { reference, digest, size } = await packFilter(file, { tag, out, push, sign, variant, rootIds: rootId });
  if (out !== undefined) process.stdout.write(`${out}: written\n`);
  if (push) process.stdout.write(`${reference}: pushed${sign === undefined ? "" : " and signed"}\n`);
  process.stdout.write(
    `${digest} (${variant}, ${size.toLocaleString("en")} bytes)\nurl for Istio and Envoy Gateway: oci://${reference}\n`,
  );
}
