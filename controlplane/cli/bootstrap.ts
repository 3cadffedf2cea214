import { join } from "node:path";
import { stringify } from "yaml";
import {
  bootstrapJson,
  createBootstrap,
  grpcBootstrap,
  writeCredentials,
  writePemFiles,
  type BootstrapOptions,
  type GivenIdentity,
  type GivenTrust,
} from "../bootstrap/index.ts";
import type { HostPort } from "../control/index.ts";
import {
  Authority,
  CertificateError,
  DEFAULT_TRUST_DOMAIN,
  formatIdentity,
  readKeyPair,
  readStateAuthority,
  readTrust,
} from "../security/index.ts";
import { InputError } from "../explain/input-error.ts";

export interface BootstrapFlags {
  readonly node: string;
  readonly service: string;
  readonly grpc: boolean;
  readonly xds: HostPort;
  readonly http: HostPort;
  readonly protocol: "delta" | "sotw";
  readonly admin?: HostPort;
  readonly statsInterval: number;
  readonly reconnect: number;
  readonly insecure: boolean;
  readonly state: string;
  readonly credentials?: string;
  readonly validFor: number;
  readonly trustDomain?: string;
  readonly authorityCert?: string;
  readonly authorityKey?: string;
  readonly clientCert?: string;
  readonly clientKey?: string;
  readonly trust?: string;
  readonly serverName?: string;
}

/** `meshwright bootstrap`. */
export async function bootstrap(flags: BootstrapFlags): Promise<void> {
  let given: Credentials | undefined;
  if (!flags.insecure) {
    try {
      given = await credentials(flags);
    } catch (error) {
      if (!(error instanceof CertificateError || error instanceof RangeError)) throw error;
      throw new InputError(error.message);
    }
  }
  process.stdout.write(flags.grpc ? ofGrpcClient(flags, given) : ofSidecar(flags, given));
}

/** What shows who it is, and whom it trusts. */
interface Credentials {
  readonly identity: GivenIdentity;
  readonly trust: GivenTrust;
  /** Where files of it are written. */
  readonly folder: string;
  readonly trustDomain: string;
}

function ofSidecar(flags: BootstrapFlags, given: Credentials | undefined): string {
  const { node, service, xds, http, protocol, admin, statsInterval, reconnect } = flags;
  const tls: BootstrapOptions["tls"] = given && {
    by: { files: writeCredentials(given.folder, given.identity, given.trust) },
    server:
      flags.serverName === undefined
        ? { kind: "uri", value: formatIdentity(given.trustDomain, { kind: "control-plane" }) }
        : { kind: "dns", value: flags.serverName },
  };
  const configuration = createBootstrap({
    ...{ node, service, xds, http, protocol, statsIntervalMs: statsInterval, reconnectMs: reconnect },
    ...(admin === undefined ? {} : { admin }),
    ...(tls === undefined ? {} : { tls }),
  });
  return stringify(bootstrapJson(configuration));
}

function ofGrpcClient({ node, service, xds }: BootstrapFlags, given: Credentials | undefined): string {
  const files = given && writePemFiles(given.folder, given.identity, given.trust);
  const configuration = grpcBootstrap({ node, service, xds, ...(files === undefined ? {} : { files }) });
  return `${JSON.stringify(configuration, undefined, 2)}\n`;
}

async function credentials(flags: BootstrapFlags): Promise<Credentials> {
  const { node, service, state } = flags;
  const clientFiles = pairOf("--client-cert", flags.clientCert, "--client-key", flags.clientKey);
  const authorityFiles = pairOf("--authority-cert", flags.authorityCert, "--authority-key", flags.authorityKey);
  let trustDomain = flags.trustDomain ?? DEFAULT_TRUST_DOMAIN;
  let identity: GivenIdentity;
  let trust: GivenTrust | undefined;
  if (flags.trust !== undefined) {
    readTrust(flags.trust);
    trust = { file: flags.trust };
  }
  if (clientFiles !== undefined) {
    readKeyPair(clientFiles);
    identity = { files: clientFiles };
  } else {
    const own = authorityFiles === undefined ? stateAuthority(flags) : undefined;
    trustDomain = own?.trustDomain ?? trustDomain;
    const authority = await Authority.load(own ?? readKeyPair(authorityFiles ?? { certificate: "", privateKey: "" }));
    const uri = formatIdentity(trustDomain, { kind: "sidecar", service, node });
    identity = { keyPair: await authority.issue({ uri, lifetimeMs: flags.validFor }) };
    trust ??= { text: authority.certificate };
  }
  if (trust === undefined) throw new InputError("--client-cert needs --trust: whose certificates the sidecar believes");
  const encoded = formatIdentity("x", { kind: "sidecar", service, node }).split("/").slice(-2);
  return { identity, trust, folder: flags.credentials ?? join(state, "sidecars", ...encoded), trustDomain };
}

function stateAuthority({ state, trustDomain }: BootstrapFlags): NonNullable<ReturnType<typeof readStateAuthority>> {
  const found = readStateAuthority(state);
  if (found === undefined) {
    throw new InputError(
      `there is no authority in ${state}: start \`meshwright serve\` first, name its folder with --state, give certificates of your own, or say --insecure`,
    );
  }
  if (trustDomain !== undefined && trustDomain !== found.trustDomain)
    throw new InputError(`the authority in ${state} is of the trust domain ${found.trustDomain}, not ${trustDomain}`);
  return found;
}

/** @throws InputError if only one of two files is given. */
export function pairOf(
  certificateFlag: string,
  certificate: string | undefined,
  keyFlag: string,
  privateKey: string | undefined,
): { certificate: string; privateKey: string } | undefined {
  if (certificate === undefined && privateKey === undefined) return undefined;
  if (certificate === undefined) throw new InputError(`${keyFlag} needs ${certificateFlag}`);
  if (privateKey === undefined) throw new InputError(`${certificateFlag} needs ${keyFlag}`);
  return { certificate, privateKey };
}
