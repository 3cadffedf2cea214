import { bootstrapJson, createBootstrap, tokenSecret, type TokenFiles } from "../bootstrap/index.ts";
import { formatIdentity } from "../security/identity.ts";
import { ANY_SERVICE } from "../xds/index.ts";
import { REDIRECTOR, SIDECAR, TOKEN_AUDIENCE, TOKEN_SECRET, TOKEN_VOLUME } from "./names.ts";
import { PodError, type Container } from "./pod.ts";
import type { Probe } from "./probes.ts";
import { redirectCommand, redirectRules, type Redirect } from "./redirect.ts";
import type { InjectSettings } from "./settings.ts";

export interface SidecarOptions {
  readonly settings: InjectSettings;
  /** Certificates of the authorities whose control plane is believed, as PEM; undefined with `insecure`. */
  readonly trust: string | undefined;
  /** The pod's Service, as the model names it; undefined when it is not known yet. */
  readonly service: string | undefined;
  /** How long the pod has to end. */
  readonly graceSeconds: number;
  /** Probes of the application that the sidecar passes on. */
  readonly probes: readonly Probe[];
}

const token: TokenFiles = { folder: "/var/run/meshwright", token: "token", secret: "token-secret.json" };
/** What a pod has to end, if it says nothing. */
export const DEFAULT_GRACE_SECONDS = 30;

/** The container of Envoy. */
export function sidecarContainer(options: SidecarOptions): Container {
  const { settings, service, graceSeconds } = options;
  const { sidecar, controlPlane } = settings;
  const { ports, userId, native } = sidecar;
  const probe = { httpGet: { path: "/ready", port: ports.readiness } };
  return {
    name: SIDECAR,
    image: sidecar.image,
    imagePullPolicy: sidecar.imagePullPolicy,
    command: ["/usr/local/bin/envoy"],
    args: [
      ...["--config-yaml", escaped(JSON.stringify(bootstrapOf(options)))],
      // The name of a pod that a Deployment makes is not known when it is admitted. These flags come before the bootstrap.
      ...["--service-node", "$(POD_NAME).$(POD_NAMESPACE)"],
      ...["--service-cluster", service ?? ANY_SERVICE],
      ...["--concurrency", String(sidecar.concurrency), "--log-level", sidecar.logLevel],
      ...["--drain-time-s", String(Math.max(1, sidecar.drainSeconds)), "--disable-hot-restart"],
    ],
    env: [fromPod("POD_NAME", "metadata.name"), fromPod("POD_NAMESPACE", "metadata.namespace")],
    ports: [
      { name: "mw-inbound", containerPort: ports.inbound, protocol: "TCP" },
      { name: "mw-readiness", containerPort: ports.readiness, protocol: "TCP" },
    ],
    ...(native ? { restartPolicy: "Always" } : {}),
    startupProbe: { ...probe, periodSeconds: 1, timeoutSeconds: 1, failureThreshold: sidecar.startupSeconds },
    readinessProbe: { ...probe, periodSeconds: 5, timeoutSeconds: 3, failureThreshold: 3 },
    lifecycle: { preStop: { exec: { command: drainCommand(sidecar, graceSeconds) } } },
    resources: sidecar.resources,
    securityContext: {
      allowPrivilegeEscalation: false,
      capabilities: { drop: ["ALL"] },
      privileged: false,
      readOnlyRootFilesystem: true,
      runAsNonRoot: true,
      runAsUser: userId,
      runAsGroup: userId,
      seccompProfile: { type: "RuntimeDefault" },
    },
    ...(controlPlane.insecure
      ? {}
      : { volumeMounts: [{ name: TOKEN_VOLUME, mountPath: token.folder, readOnly: true }] }),
  };
}

/** The annotation and the volume of the sidecar's token. */
export function tokenParts({ tokenSeconds }: InjectSettings): {
  readonly annotations: Readonly<Record<string, string>>;
  readonly volume: { readonly name: string; readonly projected: object };
} {
  const annotation = `metadata.annotations['${TOKEN_SECRET}']`;
  return {
    annotations: { [TOKEN_SECRET]: tokenSecret(token) },
    volume: {
      name: TOKEN_VOLUME,
      projected: {
        sources: [
          { serviceAccountToken: { audience: TOKEN_AUDIENCE, expirationSeconds: tokenSeconds, path: token.token } },
          { downwardAPI: { items: [{ path: token.secret, fieldRef: { fieldPath: annotation } }] } },
        ],
      },
    },
  };
}

/** The init container that redirects connections: the only one that may change the pod's network, and nothing else. */
export function redirectContainer(redirect: Redirect, { sidecar, redirect: { image } }: InjectSettings): Container {
  if (image === undefined)
    throw new PodError("the settings have no redirect.image, which redirecting connections needs");
  return {
    name: REDIRECTOR,
    image,
    imagePullPolicy: sidecar.imagePullPolicy,
    command: redirectCommand(redirectRules(redirect, sidecar)),
    resources: { requests: { cpu: "10m", memory: "16Mi" }, limits: { memory: "64Mi" } },
    securityContext: {
      allowPrivilegeEscalation: false,
      capabilities: { add: ["NET_ADMIN", "NET_RAW"], drop: ["ALL"] },
      privileged: false,
      readOnlyRootFilesystem: true,
      runAsNonRoot: false,
      runAsUser: 0,
      runAsGroup: 0,
      seccompProfile: { type: "RuntimeDefault" },
    },
    // iptables keeps its lock there.
    env: [{ name: "XTABLES_LOCKFILE", value: "/dev/shm/xtables.lock" }],
  };
}

function bootstrapOf({ settings, trust, probes }: SidecarOptions): object {
  const { controlPlane, sidecar } = settings;
  const { xds, http, trustDomain, insecure } = controlPlane;
  const { ports, statsIntervalMs } = sidecar;
  const server = { kind: "uri", value: formatIdentity(trustDomain, { kind: "control-plane" }) } as const;
  if (!insecure && trust === undefined)
    throw new PodError("sidecars have to know whose control plane they may believe: there is no certificate of it");
  const bootstrap = createBootstrap({
    node: "",
    service: "",
    ...{ xds, http, protocol: "delta", statsIntervalMs, waits: true },
    admin: { host: "127.0.0.1", port: ports.admin },
    readiness: { host: "0.0.0.0", port: ports.readiness, probes },
    ...(insecure || trust === undefined ? {} : { tls: { by: { token, trust }, server } }),
  });
  return bootstrapJson(bootstrap);
}

/**
 * Tells clients to go elsewhere, which only Envoy's admin interface does, and by POST; the image has bash, which can. A native sidecar is
 * ended after the application anyway; an ordinary container waits here while clients go.
 */
function drainCommand({ ports, drainSeconds, native }: InjectSettings["sidecar"], graceSeconds: number): string[] {
  const request =
    "POST /drain_listeners?inboundonly&graceful&skip_exit HTTP/1.1\\r\\nhost: admin\\r\\nconnection: close\\r\\n\\r\\n";
  const post = `exec 3<>/dev/tcp/127.0.0.1/${ports.admin} && printf '${request}' >&3 && cat <&3`;
  // What is left of the pod's time is for the application's last requests.
  const wait = native ? 0 : Math.max(0, Math.min(drainSeconds, graceSeconds - 5));
  return ["/bin/bash", "-c", wait === 0 ? post : `${post}; sleep ${wait}`];
}

function fromPod(name: string, fieldPath: string): object {
  return { name, valueFrom: { fieldRef: { fieldPath } } };
}

/** Kubernetes puts variables where an argument has `$(NAME)`; `$$` is a dollar. */
function escaped(argument: string): string {
  return argument.replaceAll("$", "$$$$");
}
