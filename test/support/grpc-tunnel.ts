import { readFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { pipeline } from "node:stream";
import { connect } from "node:tls";

/** What of the file that `meshwright bootstrap --grpc` prints is needed. */
interface Bootstrap {
  readonly xds_servers: [
    { server_uri: string; channel_creds: { readonly type: string; readonly config?: TlsFiles }[] },
  ];
}

interface TlsFiles {
  readonly certificate_file: string;
  readonly private_key_file: string;
  readonly ca_certificate_file: string;
}

/**
 * Speaks TLS to the control plane for grpc-js's xDS client, which cannot.
 *
 * @param bootstrap what `meshwright bootstrap --grpc` printed.
 * @param socket a path where only this user may connect.
 * @returns the bootstrap for grpc-js.
 */
export async function startTunnel(bootstrap: string, socket: string): Promise<{ server: Server; bootstrap: string }> {
  const parsed = JSON.parse(bootstrap) as Bootstrap;
  const [controlPlane] = parsed.xds_servers;
  const { hostname, port } = new URL(`grpc://${controlPlane.server_uri}`);
  const files = controlPlane.channel_creds[0]?.config;
  if (files === undefined) throw new Error("the bootstrap has no certificate");
  const server = createServer((local) => {
    // Read for each connection, so that new files are used.
    const [cert, key, ca] = [files.certificate_file, files.private_key_file, files.ca_certificate_file].map((file) =>
      readFileSync(file),
    );
    const host = hostname.replace(/^\[|\]$/g, "");
    const remote = connect({ host, port: Number(port), cert, key, ca, ALPNProtocols: ["h2"] });
    pipeline(local, remote, local, () => undefined);
  });
  await new Promise<void>((resolve, reject) => server.once("error", reject).listen(socket, resolve));
  controlPlane.server_uri = `unix:${socket}`;
  controlPlane.channel_creds = [{ type: "insecure" }];
  return { server, bootstrap: JSON.stringify(parsed) };
}
