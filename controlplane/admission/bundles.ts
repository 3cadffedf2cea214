import { KubernetesError, type KubernetesApi } from "../kubernetes/index.ts";

const kinds = ["mutatingwebhookconfigurations", "validatingwebhookconfigurations"] as const;

export interface BundleOptions {
  readonly api: Pick<KubernetesApi, "get" | "send">;
  /** The name of both configurations. */
  readonly name: string;
  /** Certificates of the authorities that the API server is to trust now, as PEM. */
  readonly trust: () => string;
  readonly onWritten: (kind: string) => void;
  readonly onError: (error: Error) => void;
  /** How often it is looked whether they are as they should be. Default: 5 s. */
  readonly intervalMs?: number;
}

interface Configuration {
  readonly webhooks?: readonly { readonly name: string; readonly clientConfig: { readonly caBundle?: string } }[];
}

/**
 * Keeps the certificates in the webhook configurations that tell the API server whom to trust. They are installed without, since the
 * control plane makes its authority itself, and may be installed anew at any time.
 */
export class WebhookBundles {
  readonly #options: BundleOptions;
  readonly #timer: NodeJS.Timeout;
  #writing: Promise<void> | undefined;
  #failure = "";

  constructor(options: BundleOptions) {
    this.#options = options;
    this.#timer = setInterval(() => void this.write(), options.intervalMs ?? 5_000);
    this.#timer.unref();
    void this.write();
  }

  /** Writes what is not as it should be. */
  async write(): Promise<void> {
    this.#writing ??= this.#write().finally(() => (this.#writing = undefined));
    await this.#writing;
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#writing;
  }

  async #write(): Promise<void> {
    const bundle = Buffer.from(this.#options.trust()).toString("base64");
    for (const kind of kinds) {
      try {
        await this.#writeOne(kind, bundle);
        this.#failure = "";
      } catch (error) {
        const failure = error instanceof Error ? error : new Error(String(error));
        // Told once, not at every try.
        if (failure.message !== this.#failure) this.#options.onError(failure);
        this.#failure = failure.message;
      }
    }
  }

  async #writeOne(kind: string, bundle: string): Promise<void> {
    const { api, name, onWritten } = this.#options;
    const path = `/apis/admissionregistration.k8s.io/v1/${kind}/${name}`;
    let found: Configuration;
    try {
      found = (await api.get(path)) as Configuration;
    } catch (error) {
      // One of them may not be wanted.
      if (error instanceof KubernetesError && error.status === 404) return;
      throw error;
    }
    const operations = (found.webhooks ?? []).flatMap((webhook, i) => {
      if (webhook.clientConfig.caBundle === bundle) return [];
      const at = `/webhooks/${i}`;
      // Somebody may have changed the list meanwhile.
      return [
        { op: "test", path: `${at}/name`, value: webhook.name },
        { op: "add", path: `${at}/clientConfig/caBundle`, value: bundle },
      ];
    });
    if (operations.length === 0) return;
    await api.send("PATCH", path, {}, operations, "application/json-patch+json");
    onWritten(kind);
  }
}
