// How many sidecars a control plane holds, beside one built upon go-control-plane. See README.md.
import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { TypeUrl } from "../controlplane/xds/index.ts";
import { buildFilters } from "../setup/filters.mjs";
import { freePorts } from "../test/support/ports.ts";
import { cpuTime, quantile } from "./measure.ts";
import { buildGoPeers } from "./peers/go.mjs";
import { printRow } from "./run.ts";
import { writeCertificates } from "./scale-certificates.ts";
import { ScaleMesh, ServedMesh } from "./scale-mesh.ts";
import { GoPlane, memoryOf, OurPlane, Sidecars, type Edit, type Plane } from "./scale-planes.ts";

const { values: flags } = parseArgs({
  options: {
    sidecars: { type: "string", default: "1000" },
    services: { type: "string", default: "1000" },
    routes: { type: "string", default: "0" },
    protocol: { type: "string", default: "delta" },
    rounds: { type: "string", default: "3" },
    /** How often each change is made in a round. */
    edits: { type: "string", default: "3" },
    /** Services whose endpoints change at once. */
    changed: { type: "string", default: "1,100" },
    only: { type: "string" },
    /** Mutual TLS, with a certificate for each sidecar. */
    tls: { type: "boolean", default: false },
    /** Options of Node for our control plane, such as `--cpu-prof`, separated by spaces. */
    node: { type: "string", default: "" },
  },
});
const size = { sidecars: Number(flags.sidecars), services: Number(flags.services), routes: Number(flags.routes) };
const edits: Edit[] = [...flags.changed.split(",").map((services) => ({ services: Number(services) })), "filter"];

/** What a round gives, by what it is: medians are taken over the rounds. */
type Figures = Record<string, number>;

async function measure(start: () => Promise<Plane>, sidecarsAt: () => Sidecars): Promise<Figures> {
  const figures: Figures = {};
  const began = Date.now();
  const plane = await start();
  const sidecars = sidecarsAt();
  try {
    const cpu = (): number => cpuTime(plane.pid) / 1e6;
    const settle = (): Promise<void> => sleep(1_000);
    figures["start: s"] = (Date.now() - began) / 1000;
    figures["start: CPU s"] = cpu() / 1000;
    await sleep(3_000);
    const empty = memoryOf(plane.pid).now;
    figures["no sidecar: RSS MiB"] = empty;

    /** CPU a sidecar, and when the sidecars had it. */
    const phase = async (
      name: string,
      run: () => Promise<{ from: number; times: readonly number[] }>,
    ): Promise<void> => {
      const before = cpu();
      const { from, times } = await run();
      await settle();
      figures[`${name}: CPU us/sidecar`] = ((cpu() - before) * 1000) / size.sidecars;
      figures[`${name}: p50 ms`] = quantile(times, 0.5) - from;
      figures[`${name}: p99 ms`] = quantile(times, 0.99) - from;
      figures[`${name}: last ms`] = quantile(times, 1) - from;
      figures[`${name}: KB/sidecar`] = (await sidecars.bytes()) / 1000 / size.sidecars;
    };

    await phase("connect", async () => ({ from: Date.now(), times: await sidecars.connect() }));
    await sleep(5_000);
    const idle = cpu();
    await sleep(5_000);
    figures["idle: CPU us/s/sidecar"] = ((cpu() - idle) * 1000) / 5 / size.sidecars;
    const full = memoryOf(plane.pid);
    figures["connected: RSS MiB"] = full.now;
    figures["connected: RSS KiB/sidecar"] = (full.now * 1024) / size.sidecars;
    figures["connected: added RSS KiB/sidecar"] = ((full.now - empty) * 1024) / size.sidecars;
    figures["connected: peak RSS MiB"] = full.peak;

    for (const edit of edits) {
      const name = edit === "filter" ? "a filter changed" : `endpoints of ${String(edit.services)} changed`;
      const each: Figures[] = [];
      for (let time = 0; time < Number(flags.edits) * 2; ++time) {
        await phase(name, async () => {
          await sidecars.expect(edit === "filter" ? TypeUrl.extensionConfig : TypeUrl.endpoint);
          const from = await plane.edit(edit, time % 2 === 0 ? 1 : 0);
          return { from, times: await sidecars.await() };
        });
        each.push(Object.fromEntries(Object.entries(figures).filter(([key]) => key.startsWith(`${name}:`))));
      }
      Object.assign(figures, medians(each));
    }

    const { moduleUrl } = plane;
    if (moduleUrl !== undefined) {
      await phase("all fetch a module", async () => {
        const from = Date.now();
        await sidecars.fetch(moduleUrl);
        await sidecars.expect(TypeUrl.endpoint);
        const edited = await plane.edit({ services: 1 }, 1);
        const times = await sidecars.await();
        figures["endpoints changed meanwhile: p99 ms"] = quantile(times, 0.99) - edited;
        return { from, times: await sidecars.fetched() };
      });
      figures["all fetch a module: RSS MiB"] = memoryOf(plane.pid).now;
      figures["all fetch a module: peak RSS MiB"] = memoryOf(plane.pid).peak;
    }

    await phase("reconnect", async () => {
      await sidecars.disconnect();
      await sidecars.expect(TypeUrl.endpoint);
      await plane.edit({ services: 1 }, moduleUrl === undefined ? 1 : 0);
      await plane.settled();
      const from = Date.now();
      await sidecars.reconnect();
      return { from, times: await sidecars.await() };
    });
    await sleep(3_000);
    figures["reconnected: RSS MiB"] = memoryOf(plane.pid).now;
    figures["reconnected: peak RSS MiB"] = memoryOf(plane.pid).peak;
    return figures;
  } finally {
    await sidecars.stop();
    await plane.stop();
  }
}

function medians(all: readonly Figures[]): Figures {
  return Object.fromEntries(
    Object.keys(all[0] ?? {}).map((key) => [
      key,
      quantile(
        all.map((figures) => figures[key] ?? NaN),
        0.5,
      ),
    ]),
  );
}

await buildFilters();
const folder = mkdtempSync(join(tmpdir(), "meshwright-scale-"));
try {
  // Those of the cache folder may be built anew from another working copy meanwhile.
  const programs = copied(await buildGoPeers(), folder);
  const mesh = new ScaleMesh(folder, size);
  mesh.write();
  const served = new ServedMesh(mesh);
  const release = await served.release();
  const [resources, plan] = [join(folder, "resources.json"), join(folder, "plan.json")];
  served.writeResources(resources, release);
  served.writePlan(plan, release);
  const fileOf = (edit: Edit, state: 0 | 1): string =>
    join(folder, `${edit === "filter" ? edit : String(edit.services)}-${String(state)}.json`);
  const change = (edit: Edit, state: 0 | 1): void => {
    if (edit === "filter") mesh.writeFilters(1 + state);
    else for (let service = 0; service < edit.services; ++service) mesh.writeService(service, 1 + state);
  };
  for (const edit of [...edits, { services: 1 }]) {
    change(edit, 1);
    const changed = await served.release();
    served.writeChange(fileOf(edit, 1), release, changed);
    served.writeChange(fileOf(edit, 0), changed, release);
    change(edit, 0);
  }

  const [port = 0, httpPort = 0] = await freePorts(2);
  const certificates = flags.tls ? join(folder, "certificates") : undefined;
  if (certificates !== undefined) await writeCertificates(certificates, mesh.sidecars);
  const sidecars = (): Sidecars =>
    new Sidecars(programs.sidecars, port, plan, size.sidecars, { delta: flags.protocol === "delta", certificates });
  const nodeOptions = flags.node.split(" ").filter((option) => option !== "");
  const starts: Record<string, () => Promise<Plane>> = {
    meshwright: () => {
      mesh.writeService(0, 1);
      return OurPlane.start(mesh, port, httpPort, { nodeOptions, certificates });
    },
    "go-control-plane": () => GoPlane.start(programs.controlPlane, port, resources, fileOf, certificates),
  };
  const measured = Object.keys(starts).filter((name) => flags.only === undefined || name === flags.only);
  const rounds = new Map<string, Figures[]>(measured.map((name) => [name, []]));
  for (let round = 0; round < Number(flags.rounds); ++round) {
    for (const name of measured) {
      const start = starts[name];
      if (start !== undefined) rounds.get(name)?.push(await measure(start, sidecars));
    }
  }
  const columns = measured.map((name) => medians(rounds.get(name) ?? []));
  process.stdout.write(
    `${flags.sidecars} sidecars, ${flags.protocol}${flags.tls ? ", mutual TLS" : ""}, ${flags.rounds} rounds\n\n`,
  );
  printRow(["figure", ...measured, ...(columns.length === 2 ? ["ratio"] : [])]);
  printRow(["---", ...measured.map(() => "---"), ...(columns.length === 2 ? ["---"] : [])]);
  for (const key of Object.keys(columns[0] ?? {})) {
    const values = columns.map((figures) => figures[key] ?? NaN);
    const [ours = NaN, theirs = NaN] = values;
    printRow([key, ...values.map(round), ...(values.length === 2 ? [(ours / theirs).toFixed(2)] : [])]);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}

type Programs = Pick<Awaited<ReturnType<typeof buildGoPeers>>, "sidecars" | "controlPlane">;

function copied(programs: Programs, to: string): Programs {
  const copy = (program: string): string => {
    const file = join(to, basename(program));
    copyFileSync(program, file);
    return file;
  };
  return { sidecars: copy(programs.sidecars), controlPlane: copy(programs.controlPlane) };
}

function round(value: number): string {
  return value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0);
}
