import { Option, type Command } from "commander";
import { join } from "node:path";
import { stringify } from "yaml";
import {
  bootstrapJson,
  createBootstrap,
  DEFAULT_STATS_INTERVAL_MS,
  writeCredentials,
  type BootstrapOptions,
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
import { InputError } from "../explain/index.ts";
import { orFail } from "./fail.ts";
import { parseHostPort } from "./parse-host-port.ts";
import { httpOption, parseInterval, parseLifetime, stateOption, trustDomainOption, xdsOption } from "./options.ts";

interface BootstrapFlags {
  readonly node: string;
  readonly service: string;
  readonly xds: HostPort;
  readonly http: HostPort;
  readonly protocol: "delta" | "sotw";
  readonly admin?: HostPort;
  readonly statsInterval: number;
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

/** Adds the command `bootstrap`. */
export function addBootstrapCommand(program: Command): void {
  program
    .command("bootstrap")
    .description("print the bootstrap configuration of a sidecar, for envoy --config-path, and write its certificate")
    .requiredOption("--node <id>", "the sidecar's node id, as sidecar.node of a Service's endpoint has it")
    .requiredOption("--service <name>", "the Service that the sidecar stands beside")
    .addOption(xdsOption())
    .addOption(httpOption("where the control plane serves modules"))
    .addOption(
      new Option("--protocol <variant>", "delta (incremental xDS) or sotw (state of the world)")
        .choices(["delta", "sotw"])
        .default("delta"),
    )
    .option("--admin <address>", "where Envoy's admin interface listens; none when left out", parseHostPort)
    .option(
      "--stats-interval <ms>",
      "how often the sidecar sends its statistics",
      parseInterval,
      DEFAULT_STATS_INTERVAL_MS,
    )
    .addOption(stateOption("the control plane's folder, whose authority issues the sidecar's certificate"))
    .option("--credentials <folder>", "where the sidecar's certificate and key are written; default: in --state")
    .option(
      "--valid-for <time>",
      "how long the certificate is good for, such as 12h or 90d",
      parseLifetime,
      parseLifetime("90d"),
    )
    .addOption(trustDomainOption())
    .option("--authority-cert <file>", "your own authority, which issues the certificate")
    .option("--authority-key <file>", "its key")
    .option("--client-cert <file>", "a certificate that the sidecar has already, instead")
    .option("--client-key <file>", "its key")
    .option("--trust <file>", "the authorities that the sidecar trusts; default: the one that issues")
    .option("--server-name <name>", "a DNS name in the control plane's certificate; default: its SPIFFE ID is expected")
    .option("--insecure", "without encryption and certificates, for a control plane that runs so", false)
    .action((flags: BootstrapFlags) => orFail(() => bootstrap(flags)));
}

/** `meshwright bootstrap`. */
async function bootstrap(flags: BootstrapFlags): Promise<void> {
  const { node, service, xds, http, protocol, admin, statsInterval } = flags;
  let tls: BootstrapOptions["tls"];
  if (!flags.insecure) {
    try {
      tls = await credentials(flags);
    } catch (error) {
      if (!(error instanceof CertificateError || error instanceof RangeError)) throw error;
      throw new InputError(error.message);
    }
  }
  const configuration = createBootstrap({
    ...{ node, service, xds, http, protocol, statsIntervalMs: statsInterval },
    ...(admin === undefined ? {} : { admin }),
    ...(tls === undefined ? {} : { tls }),
  });
  process.stdout.write(stringify(bootstrapJson(configuration)));
}

async function credentials(flags: BootstrapFlags): Promise<NonNullable<BootstrapOptions["tls"]>> {
  const { node, service, state } = flags;
  const clientFiles = pairOf("--client-cert", flags.clientCert, "--client-key", flags.clientKey);
  const authorityFiles = pairOf("--authority-cert", flags.authorityCert, "--authority-key", flags.authorityKey);
  let trustDomain = flags.trustDomain ?? DEFAULT_TRUST_DOMAIN;
  let identity: Parameters<typeof writeCredentials>[1];
  let trust: Parameters<typeof writeCredentials>[2] | undefined;
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
  const folder = flags.credentials ?? join(state, "sidecars", ...encoded);
  return {
    files: writeCredentials(folder, identity, trust),
    server:
      flags.serverName === undefined
        ? { kind: "uri", value: formatIdentity(trustDomain, { kind: "control-plane" }) }
        : { kind: "dns", value: flags.serverName },
  };
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
