// Sidecars that say who they are by the tokens of a real cluster, and get what is theirs.
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before, describe, test } from "node:test";
import { gatewayDefinitions } from "../support/gateway-definitions.ts";
import { InjectedSidecar } from "../support/injected-sidecar.ts";
import { Kubernetes, withoutKubernetes } from "../support/kubernetes.ts";
import { endpointSlice, pod, service } from "../support/kubernetes-objects.ts";
import { Mesh } from "../support/mesh.ts";

const reason = withoutKubernetes() ?? (process.env["ENVOY_BIN"] === undefined ? "ENVOY_BIN is not set" : undefined);
const gateway = reason === undefined ? await gatewayDefinitions() : undefined;
const skip = reason ?? (gateway === undefined ? "the Gateway API's definitions are not here" : undefined);

describe("sidecars with tokens of their cluster", { skip }, () => {
  const folder = mkdtempSync(join(tmpdir(), "meshwright-tokens-"));
  const sidecars: InjectedSidecar[] = [];
  let kubernetes: Kubernetes;
  let mesh: Mesh;
  before(async () => {
    kubernetes = await Kubernetes.start();
    await kubernetes.applyDefinitions(gateway);
    await kubernetes.apply(
      { apiVersion: "v1", kind: "Namespace", metadata: { name: "shop" } },
      { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: "web", namespace: "shop" } },
      service("shop", "web", { port: 80 }),
      pod("shop", "web-1", "10.1.0.1", { injected: true, account: "web" }),
      pod("shop", "web-2", "10.1.0.2", { injected: true, account: "web" }),
      endpointSlice("shop", "web", 8080, [
        { pod: "web-1", address: "10.1.0.1" },
        { pod: "web-2", address: "10.1.0.2" },
      ]),
    );
    mesh = await Mesh.create({ source: "applied", serve: ["--kubernetes", "--kubeconfig", kubernetes.kubeconfig] });
    await mesh.startControlPlane();
  });
  afterEach(async () => {
    for (const sidecar of sidecars.splice(0)) await sidecar.envoy.stop();
  });
  after(async () => {
    await mesh.stop();
    await kubernetes.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  /** A token as the kubelet asks for it. */
  async function tokenOf(name: string, audience = "meshwright"): Promise<string> {
    const { metadata } = await kubernetes.get(pod("shop", name, "", {}));
    const answer = await kubernetes.request("POST", "/api/v1/namespaces/shop/serviceaccounts/web/token", {
      apiVersion: "authentication.k8s.io/v1",
      kind: "TokenRequest",
      spec: {
        audiences: [audience],
        boundObjectRef: { apiVersion: "v1", kind: "Pod", name, uid: metadata["uid"] },
      },
    });
    assert.equal(answer.status, 201, answer.body.message);
    return (answer.body["status"] as { token: string }).token;
  }

  const trust = (): string => readFileSync(join(mesh.state, "authority", "ca.pem"), "utf8");

  async function start(name: string, token: string): Promise<InjectedSidecar> {
    const tokenFolder = mkdtempSync(join(folder, "volume-"));
    const sidecar = await InjectedSidecar.start({
      ...{ name, namespace: "shop", xdsPort: mesh.xdsPort, httpPort: mesh.httpPort, trust: trust(), tokenFolder },
    });
    sidecars.push(sidecar);
    const secret = sidecar.pod.metadata?.annotations?.["meshwright.dev/token-secret"] ?? "";
    writeFileSync(join(tokenFolder, "token"), token);
    writeFileSync(join(tokenFolder, "token-secret.json"), secret.replaceAll("/var/run/meshwright", tokenFolder));
    return sidecar;
  }

  test("are served as their pod, and the token stays out of the log", async () => {
    const token = await tokenOf("web-1");
    await start("web-1", token);
    // This machine does not have the pod's address, on which its inbound listener would be.
    await mesh.controlPlane?.waitFor(/web-1\.shop accepted listener outbound/);
    assert.ok(!mesh.controlPlane?.output.includes(token.slice(-40)));
  });

  test("are not served as another pod", async () => {
    await start("web-2", await tokenOf("web-1"));
    await mesh.controlPlane?.waitFor(/the token is that of the pod "web-1\.shop", but the node says .* "web-2\.shop"/);
    assert.equal((await mesh.sidecar("web-2.shop")).state, "missing");
  });

  test("fetch modules by it, and by no other token", async () => {
    const ask = (token: string | undefined): Promise<number> =>
      new Promise((resolve, reject) => {
        const path = `/modules/${"0".repeat(64)}.wasm`;
        const headers = token === undefined ? {} : { "meshwright-token": token };
        const asked = request({ port: mesh.httpPort, host: "localhost", path, ca: trust(), headers }, (response) => {
          response.resume();
          resolve(response.statusCode ?? 0);
        });
        asked.on("error", reject);
        asked.end();
      });
    const token = await tokenOf("web-2");
    assert.equal(await ask(token), 404, "there is none of that hash");
    assert.equal(await ask(undefined), 401);
    assert.equal(await ask(await tokenOf("web-2", "https://kubernetes.default.svc")), 401);
    const [head = "", payload = ""] = token.split(".");
    assert.equal(await ask(`${head}.${payload}.${Buffer.from("forged").toString("base64url")}`), 401);
  });

  test("are refused once their pod is gone", async () => {
    await kubernetes.apply(pod("shop", "web-3", "10.1.0.3", { injected: true, account: "web" }));
    const token = await tokenOf("web-3");
    await kubernetes.delete(pod("shop", "web-3", "", {}));
    const sidecar = await start("web-3", token);
    await sidecar.envoy.waitFor(/the%20token%20is%20refused:.*has%20been%20invalidated/);
  });
});
