import { ProxyWasmHost, type TcpStream } from "@meshwright/host";
import { PLUGIN, VM } from "./case.ts";
import { endLine, type TcpCase, type TcpStep, type TcpTranscript } from "./tcp-case.ts";
import { logTranscript } from "./transcript.ts";

/** Runs a case in the host. */
export async function runTcpInHost(item: TcpCase, module: Uint8Array): Promise<TcpTranscript> {
  const host = await ProxyWasmHost.load(module, VM);
  try {
    const plugin = host.startPlugin(PLUGIN);
    let from = host.log.lines.length;
    const since = (): string[] => {
      const lines = host.log.lines.slice(from).map(({ message }) => message);
      from = host.log.lines.length;
      return [...logTranscript(lines.join("\n"))];
    };
    const stream = plugin.newTcpStream();
    const log = [since()];
    for (const step of item.steps) {
      take(stream, step);
      log.push(since());
    }
    const { upstream, downstream, closedBy, connected } = stream;
    const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();
    const closed = closedBy !== undefined;
    return {
      log,
      ends: [
        connected ? endLine("upstream", text(upstream.data), upstream.ended || closed) : "no upstream",
        endLine("client", text(downstream.data), downstream.ended || closed),
      ],
    };
  } finally {
    host.close();
  }
}

function take(stream: TcpStream, step: TcpStep): void {
  if (step.from === "upstream" && !stream.connected) return;
  if ("act" in step && step.act === "reset") {
    stream.close(step.from === "client" ? "remote" : "local");
    return;
  }
  const [data, options] = "data" in step ? [step.data, {}] : ["", { endOfStream: true }];
  if (step.from === "client") stream.downstreamData(data, options);
  else stream.upstreamData(data, options);
}
