/** A host and a port. */
export interface HostPort {
  readonly host: string;
  readonly port: number;
}

/** As `host:port`, with an IPv6 address in brackets. */
export function formatHostPort({ host, port }: HostPort): string {
  return host.includes(":") ? `[${host}]:${String(port)}` : `${host}:${String(port)}`;
}
