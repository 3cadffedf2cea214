import type { Plan } from "./plan.ts";
import { demoToken } from "./token.ts";

/** What to try, and what each shows. */
export function guide(plan: Plan, folder: string): string {
  const billing = plan.workloads.find(({ service }) => service === "billing");
  const port = String(billing?.outboundPort ?? 0);
  const curl = (rest: string, path = "/products", options = "-i"): string =>
    `curl ${options} -H 'host: shop' ${rest}http://127.0.0.1:${port}${path}`;
  const key = `-H 'x-api-key: demo-key' `;
  const lines: [string, string][] = [
    [curl(""), "no credentials: 401 from authz beside shop"],
    [curl(key), "a valid API key: 200"],
    [curl(`-H 'authorization: Bearer ${demoToken}' `), "a valid JWT (RS256, verified by Envoy): 200"],
    [curl(key, "/admin"), "a path that this caller may not reach: 403"],
    [
      `for i in 1 2 3 4 5 6; do ${curl("-H 'x-api-key: second-key' ", "/products", "-s -D - -o /dev/null")} | grep -i -e HTTP -e ratelimit; done`,
      "the sixth request in a minute: 429, with the limit's headers on each",
    ],
    [curl(`${key}-H 'x-group: beta' `), "members of group beta get version v2"],
    [curl(`${key}-H 'x-user-id: alice' `), "alice always gets the same version; other ids share 80 to 20"],
  ];
  const sidecars = plan.workloads.map(
    (w) =>
      `    ${w.service.padEnd(8)} inbound 127.0.0.1:${String(w.inboundPort)}, outbound :${String(w.outboundPort)}, admin http://127.0.0.1:${String(w.adminPort)}`,
  );
  return [
    "",
    "The demo mesh runs: three Envoy sidecars, each started with no more than a certificate and the address of the",
    "control plane.",
    "",
    `    control plane  xDS 127.0.0.1:${String(plan.xdsPort)}, HTTPS https://127.0.0.1:${String(plan.httpPort)}, both with certificates of its own authority`,
    ...sidecars,
    "",
    "You are the billing service and call shop through billing's sidecar:",
    "",
    ...lines.flatMap(([command, shows]) => [`  # ${shows}`, `  ${command}`, ""]),
    "Then:",
    "",
    `  - Change a limit in ${folder}/ratelimit.yaml (maxTokens: 5 to 10) and save: the running sidecars follow at once.`,
    "    Break it (maxTokens: five): the change is refused, with its place, and what runs goes on.",
    "  - Change a filter's source (filters/*/index.ts) and run `npm run build:filters` in another terminal: the new module",
    "    reaches every sidecar while it serves.",
    `  - npx meshwright status --state .cache/demo-state${plan.httpPort === 18001 ? "" : ` --http 127.0.0.1:${String(plan.httpPort)}`} shows what each sidecar has.`,
    `  - npx meshwright dashboard --state .cache/demo-state${plan.httpPort === 18001 ? "" : ` --http 127.0.0.1:${String(plan.httpPort)}`} prints an address that shows the mesh in a browser.`,
    "",
    "Ctrl-C stops everything.",
    "",
  ].join("\n");
}
