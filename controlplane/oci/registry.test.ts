import assert from "node:assert/strict";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, test } from "node:test";
import { createImage } from "./image.ts";
import { parseReference } from "./reference.ts";
import { pushImage } from "./push.ts";

const image = createImage(Buffer.from("module"), { variant: "compat", abiVersion: "0.2.1", rootIds: [] });

type Answer = (request: IncomingMessage, response: ServerResponse, body: Buffer) => void;

const stops: (() => void)[] = [];
afterEach(() => stops.splice(0).forEach((stop) => stop()));

/** A server on loopback: its `host:port`, and what it was asked. */
async function serve(
  answer: Answer,
): Promise<{ at: string; asked: { line: string; authorization: string | undefined }[] }> {
  const asked: { line: string; authorization: string | undefined }[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      asked.push({
        line: `${request.method ?? ""} ${request.url ?? ""}`,
        authorization: request.headers.authorization,
      });
      answer(request, response, Buffer.concat(chunks));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  stops.push(() => {
    server.close();
    server.closeAllConnections();
  });
  return { at: `127.0.0.1:${String((server.address() as AddressInfo).port)}`, asked };
}

/** A registry that takes everything, from whom `isKnown` says. */
function registry(
  isKnown: (authorization: string | undefined) => boolean,
  challenge: () => string,
  uploads = () => "",
): Answer {
  return (request, response) => {
    if (!isKnown(request.headers.authorization) && request.url?.startsWith("/v2/") === true) {
      response.writeHead(401, { "www-authenticate": challenge() }).end();
    } else if (request.method === "HEAD") response.writeHead(404).end();
    else if (request.method === "POST") response.writeHead(202, { location: `${uploads()}/upload/1?state=x` }).end();
    else response.writeHead(201).end();
  };
}

const push = (at: string, credentials?: string): Promise<void> =>
  pushImage(image, parseReference(`${at}/filters/a:1`), credentials);

describe("pushing", () => {
  test("asks for a token where the registry says, for the repository, and sends it from then on", async () => {
    const tokens = await serve((_, response) => void response.end(JSON.stringify({ token: "t" })));
    const { at, asked } = await serve(
      registry(
        (authorization) => authorization === "Bearer t",
        () => `Bearer realm="http://${tokens.at}/token?x=1",service="r",scope="repository:filters/a:pull"`,
      ),
    );
    await push(at, "dTpw");
    assert.deepEqual(tokens.asked, [
      { line: "GET /token?x=1&service=r&scope=repository%3Afilters%2Fa%3Apull%2Cpush", authorization: "Basic dTpw" },
    ]);
    assert.equal(asked.filter(({ authorization }) => authorization === undefined).length, 1);
    assert.deepEqual(asked.at(-1), { line: "PUT /v2/filters/a/manifests/1", authorization: "Bearer t" });
    assert.match(
      asked.find(({ line }) => line.startsWith("PUT"))?.line ?? "",
      /^PUT \/upload\/1\?state=x&digest=sha256%3A/,
    );
  });

  test("as whom docker login says, where the registry asks for that alone", async () => {
    const { at, asked } = await serve(
      registry(
        (authorization) => authorization === "Basic dTpw",
        () => 'Basic realm="r"',
      ),
    );
    await push(at, "dTpw");
    assert.deepEqual(asked.at(-1), { line: "PUT /v2/filters/a/manifests/1", authorization: "Basic dTpw" });
    await assert.rejects(push(at), /run docker login/);
    await assert.rejects(push(at, "wrong"), /refused an upload with status 401/);
  });

  test("does not show an upload's other host who pushes", async () => {
    const store = await serve((_, response) => void response.writeHead(201).end());
    const { at } = await serve(
      registry(
        (authorization) => authorization === "Basic dTpw",
        () => "Basic",
        () => `http://${store.at}`,
      ),
    );
    await push(at, "dTpw");
    assert.equal(store.asked.length, 2);
    assert.ok(store.asked.every(({ authorization }) => authorization === undefined));
  });

  test("sends no blob that is there already", async () => {
    const { at, asked } = await serve(
      (request, response) => void response.writeHead(request.method === "HEAD" ? 200 : 201).end(),
    );
    await push(at);
    assert.deepEqual(
      asked.map(({ line }) => line.split(" ")[0]),
      ["HEAD", "HEAD", "PUT"],
    );
  });

  const refusals: [what: string, answer: Answer, said: RegExp][] = [
    [
      "a token over plain HTTP from elsewhere",
      registry(
        () => false,
        () => 'Bearer realm="http://r.example.com/token"',
      ),
      /not HTTPS/,
    ],
    [
      "a challenge of another kind",
      registry(
        () => false,
        () => "Negotiate",
      ),
      /not supported \(Negotiate\)/,
    ],
    [
      "a refusal, with its reason",
      (_, response) => void response.writeHead(403).end('{"errors":["no"]}'),
      /403: \{"errors":\["no"\]\}/,
    ],
    ["an upload without a place", (_, response) => void response.writeHead(202).end(), /./],
  ];
  for (const [what, answer, said] of refusals) {
    test(`fails, and says why: ${what}`, async () => {
      const { at } = await serve(answer);
      await assert.rejects(
        push(at, "dTpw"),
        (error: Error) => said.test(error.message) && error.message.includes("cannot push"),
      );
    });
  }

  test("fails, and says why: nobody there", async () => {
    const { at } = await serve(() => undefined);
    stops.splice(0).forEach((stop) => stop());
    await assert.rejects(push(at), /no answer from http:\/\/127\.0\.0\.1:\d+: .*ECONNREFUSED/);
  });
});
