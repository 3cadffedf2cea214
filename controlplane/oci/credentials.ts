import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { OciError } from "./oci-error.ts";

/** A name and a password, as HTTP's Basic scheme has them. */
export type Credentials = string;

/**
 * What `docker login` left for a registry: `auths` of `$DOCKER_CONFIG/config.json`, else `~/.docker/config.json`. Undefined when there is
 * nothing, and the registry is asked as anyone.
 * @throws OciError when the file cannot be read, or keeps credentials where only a helper program finds them.
 */
export function credentialsFor(registry: string, env: NodeJS.ProcessEnv = process.env): Credentials | undefined {
  const file = join(env["DOCKER_CONFIG"] ?? join(homedir(), ".docker"), "config.json");
  return credentialsOf(readConfig(file), registry, file);
}

/**
 * What a text as `docker login` writes it has for a registry, such as that of a Secret of Kubernetes. Undefined when it has nothing.
 * @param place where it is, for messages.
 * @throws OciError when it is no such text.
 */
export function credentialsIn(text: string, registry: string, place: string): Credentials | undefined {
  return credentialsOf(parseConfig(text, place), registry, place);
}

function credentialsOf(config: DockerConfig, registry: string, place: string): Credentials | undefined {
  // Written with a scheme and a path by some.
  const names = [registry, `https://${registry}`, `https://${registry}/v1/`, `https://${registry}/v2/`];
  const { auth, username, password } = names.map((name) => config.auths?.[name]).find((entry) => entry != null) ?? {};
  if (auth !== undefined && auth !== "") return auth;
  if (username !== undefined && password !== undefined)
    return Buffer.from(`${username}:${password}`).toString("base64");
  if (
    config.credHelpers?.[registry] !== undefined ||
    (config.credsStore !== undefined && config.auths?.[registry] !== undefined)
  ) {
    throw new OciError(
      `${place}: the credentials for ${registry} are with a helper program, which is not supported; write them into another folder's config.json and set DOCKER_CONFIG to that folder`,
    );
  }
  return undefined;
}

interface DockerConfig {
  readonly auths?: Readonly<
    Record<string, { readonly auth?: string; readonly username?: string; readonly password?: string }>
  >;
  readonly credHelpers?: Readonly<Record<string, string>>;
  readonly credsStore?: string;
}

function readConfig(file: string): DockerConfig {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return {};
    throw new OciError(`cannot read ${file}: ${error instanceof Error ? error.message : String(error)}`);
  }
  return parseConfig(text, file);
}

function parseConfig(text: string, place: string): DockerConfig {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null) return value;
  } catch {
    // Said below.
  }
  throw new OciError(`${place}: expected a JSON object, as docker login writes it`);
}
