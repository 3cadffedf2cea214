/** A Service with one endpoint on this machine, and its sidecar. */
export interface ServiceWithSidecar {
  readonly name: string;
  /** Of the application. */
  readonly port: number;
  /** Default: `NAME-1`. */
  readonly node?: string;
  readonly inboundPort: number;
  readonly outboundPort?: number;
  /** Another field of the spec, such as `mtls: Strict`. */
  readonly more?: string | undefined;
}

/** Its document, as a file of a mesh has it. */
export function serviceYaml({
  name,
  port,
  node = `${name}-1`,
  inboundPort,
  outboundPort,
  more,
}: ServiceWithSidecar): string {
  const outbound = outboundPort === undefined ? "" : `, outboundPort: ${String(outboundPort)}`;
  return `apiVersion: meshwright.dev/v1alpha1
kind: Service
metadata: { name: ${name} }
spec:
  port: 80
${more === undefined ? "" : `  ${more}\n`}  endpoints: [{ address: 127.0.0.1, port: ${String(port)}, sidecar: { node: ${node}, inboundPort: ${String(inboundPort)}${outbound} } }]
`;
}

/** The filter authz before the Service web, which lets all pass. Its module is the file authz.wasm. */
export const guardYaml = `apiVersion: meshwright.dev/v1alpha1
kind: WasmModule
metadata: { name: authz }
spec: { file: authz.wasm }
---
apiVersion: meshwright.dev/v1alpha1
kind: FilterPolicy
metadata: { name: guard }
spec:
  targetRefs: [{ name: web }]
  module: authz
  configuration: { rules: [{ name: all, action: allow, principals: [{ any: true }] }] }
`;
