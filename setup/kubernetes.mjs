// A real kube-apiserver for tests, built once from Kubernetes' own module with Go. `node setup/kubernetes.mjs` builds it, and Helm.
import { existsSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { cacheFolder, cachePath } from "../controlplane/envoy-binary/cache.mjs";
import { withGo } from "./go.mjs";
import { buildHelm } from "./helm.mjs";
import { SetupError, run, step } from "./tools.mjs";

const VERSION = "1.33.5";

/** Kubernetes asks for these at v0.0.0, as they lie in its own tree; each is released beside it. */
const staging = [
  "api apiextensions-apiserver apimachinery apiserver cli-runtime client-go cloud-provider cluster-bootstrap",
  "code-generator component-base component-helpers controller-manager cri-api cri-client csi-translation-lib",
  "dynamic-resource-allocation endpointslice externaljwt kms kube-aggregator kube-controller-manager kube-proxy",
  "kube-scheduler kubectl kubelet metrics mount-utils pod-security-admission sample-apiserver sample-cli-plugin",
  "sample-controller",
].flatMap((line) => line.split(" "));

const main = `// Command kube-apiserver is that of Kubernetes, as a module of its own.
package main

import (
	"os"

	"k8s.io/component-base/cli"
	_ "k8s.io/component-base/logs/json/register"
	_ "k8s.io/component-base/metrics/prometheus/clientgo"
	_ "k8s.io/component-base/metrics/prometheus/version"
	"k8s.io/kubernetes/cmd/kube-apiserver/app"
)

func main() {
	os.Exit(cli.Run(app.NewAPIServerCommand()))
}
`;

const minor = `v0.${VERSION.slice("1.".length)}`;
const goMod = `module meshwright/kube-apiserver

go 1.24.0

require (
	k8s.io/component-base ${minor}
	k8s.io/kubernetes v${VERSION}
)

replace (
${staging.map((name) => `\tk8s.io/${name} => k8s.io/${name} ${minor}`).join("\n")}
)
`;

/** Where the binary is when it was built. */
const binary = () => cachePath("kubernetes", VERSION, "kube-apiserver");

/**
 * The kube-apiserver in the cache; undefined where none was built.
 * @returns {string | undefined}
 */
export function builtApiServer() {
  return existsSync(binary()) ? binary() : undefined;
}

/**
 * Builds the kube-apiserver unless it is there: about ten minutes on two processors, and 2 GB for what Go keeps.
 * @returns {Promise<string>} The binary.
 * @throws {SetupError} Where there is no Go, or it cannot get the modules.
 */
export async function buildApiServer() {
  const built = builtApiServer();
  if (built !== undefined) return built;
  const parent = cacheFolder("kubernetes");
  return withGo(async (_, env) => {
    if (existsSync(binary())) return binary();
    const scratch = mkdtempSync(join(parent, "build-"));
    try {
      writeFileSync(join(scratch, "main.go"), main);
      writeFileSync(join(scratch, "go.mod"), goMod);
      step(`building kube-apiserver ${VERSION}, which takes some minutes the first time`);
      const version = `-X k8s.io/component-base/version.gitVersion=v${VERSION}`;
      const flags = ["-mod=mod", "-trimpath", "-buildvcs=false", "-ldflags", `-s -w ${version}`];
      await run("go", ["build", ...flags, "-o", join(scratch, "kube-apiserver"), "."], {
        cwd: scratch,
        env: { ...env, CGO_ENABLED: "0" },
      });
      renameSync(join(scratch, "kube-apiserver"), join(cacheFolder("kubernetes", VERSION), "kube-apiserver"));
      return binary();
    } finally {
      rmSync(scratch, { recursive: true, force: true });
    }
  });
}

if (resolve(process.argv[1] ?? "") === fileURLToPath(import.meta.url)) {
  for (const [name, build] of /** @type {const} */ ([
    ["kube-apiserver", buildApiServer],
    ["helm", buildHelm],
  ])) {
    try {
      step(`${name}: ${await build()}`);
    } catch (error) {
      if (!(error instanceof SetupError)) throw error;
      step(`no ${name}, so the tests with one are skipped: ${error.message}`);
    }
  }
}
