// A server to point xds-test-harness at: the real xDS server, and beside it the service by which the suite says what to
// serve. See README.md.
//
//   node --import tsx --conditions=meshwright-source test/xds/adapter.ts [--target PORT] [--adapter PORT]

import { parseArgs } from "node:util";

import { startAdapter } from "./adapter-server.ts";

const { values } = parseArgs({
  options: { target: { type: "string", default: "18000" }, adapter: { type: "string", default: "17000" } },
});
const ports = await startAdapter(Number(values.target), Number(values.adapter));
process.stdout.write(`xDS on port ${ports.target}, adapter on port ${ports.adapter}\n`);
