import assert from "node:assert/strict";
import { once } from "node:events";
import { request } from "node:https";
import { connect, type AddressInfo } from "node:net";
import { test } from "node:test";
import { testAuthority } from "./testdata/fixtures.ts";
import { TlsIdentity } from "./tls-server.ts";

test("an HTTPS server answers those who come at once with others that break off", async () => {
  const authority = await testAuthority();
  const keyPair = await authority.issue("spiffe://corp/meshwright/control-plane", { hosts: ["localhost"] });
  const server = new TlsIdentity(keyPair, authority.certificate).httpsServer((_, response) => response.end("good"));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  try {
    const broken = Array.from({ length: 50 }, () => {
      const socket = connect(port, "127.0.0.1", () => socket.resetAndDestroy());
      return once(socket, "close");
    });
    const answer = async (): Promise<string> => {
      const options = { host: "127.0.0.1", port, servername: "localhost", ca: authority.certificate, agent: false };
      const asked = request(options).end();
      const [response] = (await once(asked, "response")) as [AsyncIterable<Buffer>];
      const parts: Buffer[] = [];
      for await (const part of response) parts.push(part);
      return Buffer.concat(parts).toString();
    };
    const answers = await Promise.all(Array.from({ length: 20 }, answer));
    assert.deepEqual(new Set(answers), new Set(["good"]));
    await Promise.all(broken);
  } finally {
    server.closeAllConnections();
    server.close();
  }
});
