/** A module of the module store: its hash is its address, and what Envoy checks the bytes against. */
export interface ModuleRef {
  /** Lower-case hex. */
  readonly sha256: string;
  /** In bytes. */
  readonly size: number;
}

/** What translation must know of the control plane itself. */
export interface TranslationSettings {
  /** Host and port in the module URLs. Envoy sends it as the host header; it connects to {@link modulesCluster}. */
  readonly modulesAuthority: string;
  /** The cluster from which Envoy fetches modules. The sidecar's bootstrap defines it. */
  readonly modulesCluster: string;
  /** The trust domain of the certificates that the control plane issues to sidecars; it issues none when left out. */
  readonly trustDomain?: string;
}
