import { readFileSync } from "node:fs";
import { join } from "node:path";
import { goModule } from "../../setup/go.mjs";

const MODULE = "sigs.k8s.io/gateway-api@v1.6.3";
const SUM = "h1:lKpJa5bGlraC/QeACvCpsHLdmO6y0iKfzVl6gzaFEYc=";

/** The Gateway API's own CustomResourceDefinitions of routes, as YAML; undefined where Go cannot get them. */
export async function gatewayDefinitions(): Promise<readonly string[] | undefined> {
  const folder = await goModule(MODULE, SUM);
  if (folder === undefined) return undefined;
  return ["httproutes", "grpcroutes", "referencegrants"].map((name) =>
    readFileSync(join(folder, "config/crd/standard", `gateway.networking.k8s.io_${name}.yaml`), "utf8"),
  );
}
