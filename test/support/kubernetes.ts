import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { generateKeyPairSync } from "node:crypto";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseAllDocuments, stringify } from "yaml";
import { ownKinds, routeKinds, type KindInCluster } from "../../controlplane/kubernetes/kinds.ts";
import { builtApiServer } from "../../setup/kubernetes.mjs";
import { root } from "../../setup/paths.mjs";
import { Etcd, withoutEtcd } from "./etcd.ts";
import { freePorts } from "./ports.ts";
import { Process } from "./processes.ts";
import { until } from "./until.ts";

/** Why there is no Kubernetes here; undefined when there is. For `skip` of a test. */
export function withoutKubernetes(): string | undefined {
  if (builtApiServer() === undefined) return "kube-apiserver was not built: npm run test:kubernetes builds it";
  return withoutEtcd();
}

/** Any object of Kubernetes. */
export interface KubernetesObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly generation?: number;
    readonly resourceVersion?: string;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly [field: string]: unknown;
  };
  readonly [field: string]: unknown;
}

/** What the API answered. */
export interface Answer {
  readonly status: number;
  // What an object has is what its test wants of it.
  readonly body: KubernetesObject & { readonly message?: string; readonly items?: readonly KubernetesObject[] };
}

const TOKEN = "admintoken";

/** A real kube-apiserver on a real etcd, both on loopback. There is no kubelet and no controller: objects are what tests make of them. */
export class Kubernetes {
  readonly folder: string;
  readonly port: number;
  readonly #etcd: Etcd;
  readonly #binary: string;
  #process: Process | undefined;

  private constructor(etcd: Etcd, folder: string, port: number, binary: string) {
    this.#etcd = etcd;
    this.folder = folder;
    this.port = port;
    this.#binary = binary;
  }

  static async start(): Promise<Kubernetes> {
    const binary = builtApiServer();
    if (binary === undefined) throw new Error("kube-apiserver was not built");
    const folder = mkdtempSync(join(tmpdir(), "meshwright-kubernetes-"));
    const [port = 0] = await freePorts(1);
    const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    writeFileSync(join(folder, "sa.key"), privateKey.export({ type: "pkcs1", format: "pem" }));
    writeFileSync(join(folder, "tokens.csv"), `${TOKEN},admin,admin,system:masters\n`);
    mkdirSync(join(folder, "certs"));
    const kubernetes = new Kubernetes(await Etcd.start(), folder, port, binary);
    try {
      await kubernetes.begin();
    } catch (error) {
      await kubernetes.stop();
      throw error;
    }
    return kubernetes;
  }

  get url(): string {
    return `https://127.0.0.1:${String(this.port)}`;
  }

  /** Path of a kubeconfig of an administrator. */
  get kubeconfig(): string {
    const file = join(this.folder, "kubeconfig");
    writeFileSync(file, stringify(this.kubeconfigFor({ token: TOKEN })));
    return file;
  }

  /** A kubeconfig, as a value. */
  kubeconfigFor(user: { readonly token: string }): object {
    return {
      apiVersion: "v1",
      kind: "Config",
      "current-context": "test",
      clusters: [
        {
          name: "test",
          cluster: { server: this.url, "certificate-authority": join(this.folder, "certs/apiserver.crt") },
        },
      ],
      users: [{ name: "test", user }],
      contexts: [{ name: "test", context: { cluster: "test", user: "test" } }],
    };
  }

  /** Starts the server, or starts it again on what etcd kept. */
  async begin(): Promise<void> {
    const file = (name: string): string => join(this.folder, name);
    this.#process = new Process("kube-apiserver", this.#binary, [
      `--etcd-servers=${this.#etcd.hosts.join(",")}`,
      `--secure-port=${String(this.port)}`,
      "--bind-address=127.0.0.1",
      "--advertise-address=127.0.0.1",
      `--cert-dir=${file("certs")}`,
      `--service-account-key-file=${file("sa.key")}`,
      `--service-account-signing-key-file=${file("sa.key")}`,
      "--service-account-issuer=https://kubernetes.default.svc",
      `--token-auth-file=${file("tokens.csv")}`,
      "--authorization-mode=RBAC",
      "--service-cluster-ip-range=10.96.0.0/16",
      // Nobody makes the service accounts that it would ask for.
      "--disable-admission-plugins=ServiceAccount",
      "--watch-cache=true",
    ]);
    await this.#process.waitFor(/Serving securely on/, { timeoutMs: 60_000 });
    await until(async () => {
      if (this.#process?.isRunning !== true) throw new Error(`kube-apiserver ended:\n${this.#process?.output ?? ""}`);
      const answer = await this.request("GET", "/readyz").catch(() => undefined);
      return answer?.status === 200;
    }, 60_000);
    // Namespaces are made by the server itself, a moment after it is ready.
    await until(async () => (await this.request("GET", "/api/v1/namespaces/default")).status === 200, 30_000);
  }

  /** Ends the server as a crash does; etcd stays. */
  async kill(): Promise<void> {
    await this.#process?.stop("SIGKILL");
  }

  async stop(): Promise<void> {
    await this.#process?.stop("SIGKILL");
    await this.#etcd.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Removes old revisions from etcd, so that watches which begin at them are refused with 410 Gone. */
  async compact(): Promise<void> {
    const [url = ""] = this.#etcd.hosts;
    const post = async (path: string, body: object): Promise<{ header: { revision: string } }> => {
      const answer = await fetch(`${url}/v3/kv/${path}`, { method: "POST", body: JSON.stringify(body) });
      return (await answer.json()) as { header: { revision: string } };
    };
    const { header } = await post("range", { key: Buffer.from("/").toString("base64") });
    await post("compaction", { revision: header.revision });
  }

  request(method: string, path: string, body?: unknown, contentType = "application/json"): Promise<Answer> {
    const text = body === undefined ? undefined : JSON.stringify(body);
    const headers = { authorization: `Bearer ${TOKEN}`, "content-type": contentType };
    const ca = readFileSync(join(this.folder, "certs/apiserver.crt"));
    return new Promise((resolve, reject) => {
      const sent = request(`${this.url}${path}`, { method, headers, ca }, (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("error", reject);
        response.on("end", () => {
          const answer = Buffer.concat(chunks).toString("utf8");
          const isJson = response.headers["content-type"]?.includes("json") === true;
          const content = (isJson ? JSON.parse(answer) : { message: answer }) as Answer["body"];
          resolve({ status: response.statusCode ?? 0, body: content });
        });
      });
      sent.on("error", reject);
      sent.end(text);
    });
  }

  /** The path of an object, or of its collection. */
  pathOf({ apiVersion, kind, metadata }: KubernetesObject, plural = pluralOf(kind, apiVersion)): string {
    const root = apiVersion.includes("/") ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
    const { namespace, name } = metadata;
    return `${root}${namespace === undefined ? "" : `/namespaces/${namespace}`}/${plural}/${name}`;
  }

  /** Applies an object on the server's side. */
  async tryApply(object: KubernetesObject, subresource = ""): Promise<Answer> {
    const path = `${this.pathOf(object)}${subresource}?fieldManager=test&force=true&fieldValidation=Strict`;
    return this.request("PATCH", path, object, "application/apply-patch+yaml");
  }

  /** Applies objects, and fails where one is refused. The status is applied as well. */
  async apply(...objects: readonly KubernetesObject[]): Promise<void> {
    for (const object of objects) {
      const { status, body } = await this.tryApply(object);
      if (status >= 300)
        throw new Error(`${object.kind} ${object.metadata.name}: ${String(status)} ${body.message ?? ""}`);
      if (object["status"] === undefined) continue;
      const answer = await this.tryApply(object, "/status");
      if (answer.status >= 300) throw new Error(`status of ${object.metadata.name}: ${answer.body.message ?? ""}`);
    }
  }

  /** Applies all documents of a text of YAML. */
  async applyYaml(text: string): Promise<void> {
    await this.apply(...yamlObjects(text));
  }

  async get(object: KubernetesObject): Promise<KubernetesObject> {
    const { status, body } = await this.request("GET", this.pathOf(object));
    if (status !== 200) throw new Error(`${object.kind} ${object.metadata.name}: ${body.message ?? String(status)}`);
    return body;
  }

  async delete(object: KubernetesObject): Promise<void> {
    const { status, body } = await this.request("DELETE", `${this.pathOf(object)}?gracePeriodSeconds=0`);
    if (status >= 300) throw new Error(`${object.kind} ${object.metadata.name}: ${body.message ?? String(status)}`);
  }

  /** The definitions of Meshwright's resources, and more. */
  async applyDefinitions(more: readonly string[] = []): Promise<void> {
    await this.applyCustomResources(...definitions(), ...more);
  }

  /** Applies CustomResourceDefinitions and waits until their resources are served. */
  async applyCustomResources(...texts: readonly string[]): Promise<void> {
    for (const definition of texts.flatMap(yamlObjects)) {
      await this.apply(definition);
      await until(async () => {
        const { status } = await this.get(definition);
        const { conditions } = (status ?? {}) as { conditions?: { type: string; status: string }[] | null };
        return (
          conditions?.some((condition) => condition.type === "Established" && condition.status === "True") === true
        );
      }, 30_000);
    }
  }
}

/** The CustomResourceDefinitions of Meshwright's resources, as YAML. */
export function definitions(): string[] {
  const folder = join(root, "deploy", "crds");
  return readdirSync(folder).map((name) => readFileSync(join(folder, name), "utf8"));
}

/** The objects of a text of YAML. */
export function yamlObjects(text: string): KubernetesObject[] {
  return parseAllDocuments(text)
    .map((document) => document.toJS() as KubernetesObject | null)
    .filter((object) => object !== null);
}

const known: Readonly<Record<string, KindInCluster>> = { ...ownKinds, ...routeKinds };

function pluralOf(kind: string, apiVersion: string): string {
  const found = known[kind];
  if (found?.apiVersion === apiVersion) return found.plural;
  const lower = kind.toLowerCase();
  if (lower.endsWith("y")) return `${lower.slice(0, -1)}ies`;
  return lower.endsWith("s") ? `${lower}es` : `${lower}s`;
}
