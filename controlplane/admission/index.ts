import type { Server } from "node:https";
import type { Logger } from "pino";
import type { ControlPlane, HostPort } from "../control/index.ts";
import { formatHostPort } from "../control/host-port.ts";
import { listenOn } from "../control/listen.ts";
import type { InjectSettings } from "../inject/index.ts";
import type { KubernetesApi, KubernetesSource } from "../kubernetes/index.ts";
import type { Security } from "../security/index.ts";
import { WebhookBundles } from "./bundles.ts";
import { answerForPod } from "./pods.ts";
import { answerForResource } from "./resources.ts";
import { admissionListener } from "./server.ts";

export interface AdmissionOptions {
  readonly listen: HostPort;
  readonly settings: InjectSettings;
  readonly security: Security;
  readonly source: KubernetesSource;
  readonly api: KubernetesApi;
  readonly plane: Pick<ControlPlane, "check">;
  /** The name of the webhook configurations. */
  readonly configurations: string;
  readonly log: Logger;
}

/** The admission webhooks of a cluster: sidecars for pods, and a look at resources before they are written. */
export class Admission {
  readonly #server: Server;
  readonly #bundles: WebhookBundles;

  private constructor(server: Server, bundles: WebhookBundles) {
    this.#server = server;
    this.#bundles = bundles;
  }

  /** @throws Error when it cannot listen. */
  static async start(options: AdmissionOptions): Promise<Admission> {
    const { security, settings, source, plane, log, api, configurations, listen } = options;
    const trust = (): string => security.trust;
    const controlPlane = { ...settings.controlPlane, trustDomain: security.trustDomain };
    const listener = admissionListener(
      {
        "/inject": (request) => answerForPod(request, { settings: { ...settings, controlPlane }, trust }),
        "/validate": (request) => answerForResource(request, { source, check: (change) => plane.check(change) }),
      },
      (error, path) => log.error({ err: error }, `internal error in the admission webhook ${path}`),
    );
    const server = security.httpsServer(listener);
    await listenOn(server, listen);
    log.info(`admission webhooks on ${formatHostPort(listen)}, HTTPS`);
    const bundles = new WebhookBundles({
      api,
      trust,
      name: configurations,
      onWritten: (kind) => log.info(`${kind}/${configurations} has the certificates that are trusted now`),
      onError: (error) =>
        log.error(
          { err: error },
          `the webhook configurations ${configurations} could not be written: ${error.message}`,
        ),
    });
    security.onTrustChange(() => void bundles.write());
    return new Admission(server, bundles);
  }

  async close(): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    await this.#bundles.stop();
  }
}
