import { credentialsIn } from "../oci/index.ts";
import type { KubernetesApi } from "./api.ts";
import { objectName, placeOf } from "./names.ts";

/**
 * What the first of some Secrets that knows a registry has for it. Read when an image is pulled, and kept nowhere.
 *
 * @param secrets their names in the model.
 * @throws Error when one cannot be read, or is of another type.
 */
export async function pullCredentials(
  api: Pick<KubernetesApi, "get">,
  registry: string,
  secrets: readonly string[],
): Promise<string | undefined> {
  for (const secret of secrets) {
    const name = objectName(secret);
    if (name === undefined) throw new Error(`the Secret ${secret} is in no namespace`);
    const place = placeOf("Secret", name);
    const { type, data } = (await api.get(`/api/v1/namespaces/${name.namespace}/secrets/${name.name}`)) as {
      type?: string;
      data?: Readonly<Record<string, string>>;
    };
    const text = data?.[".dockerconfigjson"];
    if (type !== "kubernetes.io/dockerconfigjson" || text === undefined) {
      throw new Error(`${place}: expected the type kubernetes.io/dockerconfigjson, found ${type ?? "none"}`);
    }
    const found = credentialsIn(Buffer.from(text, "base64").toString("utf8"), registry, place);
    if (found !== undefined) return found;
  }
  return undefined;
}
