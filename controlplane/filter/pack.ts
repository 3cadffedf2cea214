import { FilterError } from "./filter-error.ts";
import {
  createImage,
  credentialsFor,
  formatReference,
  parseReference,
  pushImage,
  pushSignature,
  writeLayout,
  type Variant,
} from "../oci/index.ts";
import { signImage } from "../signatures/index.ts";
import { readModule } from "./read-module.ts";
import { reportModule } from "./report.ts";
import { readSigningKey } from "./sign.ts";

export interface PackOptions {
  /** `registry/repository:tag`. */
  readonly tag: string;
  /** Folder or `.tar` file of an OCI image layout. */
  readonly out: string | undefined;
  readonly push: boolean;
  /** File with the private key that signs the image in the registry. */
  readonly sign?: string | undefined;
  readonly variant: Variant;
  readonly rootIds: readonly string[];
}

export interface Packed {
  readonly reference: string;
  /** The manifest's. */
  readonly digest: string;
  /** Of everything in the image, in bytes. */
  readonly size: number;
}

/**
 * Puts a module into an OCI image, and the image where it is wanted.
 * @throws FilterError when Envoy would refuse the module, or the image has nowhere to go.
 * @throws OciError when it cannot get there.
 */
export async function packFilter(file: string, options: PackOptions): Promise<Packed> {
  const { tag, out, push, sign, variant, rootIds } = options;
  if (out === undefined && !push) throw new FilterError("nothing to do: expected --out, --push or both");
  if (sign !== undefined && !push) throw new FilterError("--sign puts a signature into the registry: expected --push");
  const key = sign === undefined ? undefined : readSigningKey(sign);
  const target = parseReference(tag);
  if (target.tag === undefined || target.digest !== undefined) {
    throw new FilterError(`--tag ${tag}: expected REGISTRY/REPOSITORY:TAG; the digest is that of what is made`);
  }
  const module = readModule(file);
  const { abiVersion, problems } = reportModule(module);
  if (abiVersion === null || problems.length > 0) {
    throw new FilterError(`${file}: Envoy would refuse this module: ${problems.join("; ")}`);
  }
  const image = createImage(module, { variant, abiVersion, rootIds });
  if (out !== undefined) writeLayout(image, target.tag, out);
  const credentials = credentialsFor(target.registry);
  const { digest } = image.manifest;
  // The signature first: whoever waits for the image finds it then.
  if (key !== undefined) {
    const signature = signImage(`${target.registry}/${target.repository}`, digest, key);
    await pushSignature(target, digest, signature, credentials);
  }
  if (push) await pushImage(image, target, credentials);
  const size = [image.manifest, ...image.blobs].reduce((sum, { bytes }) => sum + bytes.length, 0);
  return { reference: formatReference(target), digest, size };
}
