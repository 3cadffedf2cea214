import {
  Bytes,
  Config,
  Counter,
  FilterStatus,
  RootContext,
  TcpContext,
  closeDownstream,
  constantTimeEquals,
  downstreamData,
  registerRootContext,
} from "proxy-wasm-assemblyscript-sdk";

const LINE_FEED: u8 = 0x0a;
const MAX_LINE = 256;

class Guard extends RootContext {
  private word: Uint8Array = new Uint8Array(0);
  private accepted: Counter | null = null;
  private refused: Counter | null = null;

  onConfigure(configuration: Bytes): bool {
    const config = new Config(configuration);
    this.word = Bytes.utf8(config.root.string("word")).copy();
    this.accepted = new Counter("guard.accepted");
    this.refused = new Counter("guard.refused");
    return config.accept();
  }

  createTcpContext(): TcpContext | null {
    return new GuardConnection(this);
  }

  isWord(line: Bytes): bool {
    const isWord = constantTimeEquals(line, Bytes.of(this.word));
    const counter = isWord ? this.accepted : this.refused;
    if (counter !== null) counter.increment();
    return isWord;
  }
}

/** A connection: its first line has to be the word, and does not reach the upstream. */
class GuardConnection extends TcpContext {
  private isOpen: bool = false;

  constructor(private guard: Guard) {
    super();
  }

  onDownstreamData(size: u32, endOfStream: bool): FilterStatus {
    if (this.isOpen) return FilterStatus.Continue;
    const data = downstreamData.read();
    if (data === null) return FilterStatus.StopIteration;
    const end = data.indexOf(LINE_FEED);
    // What is held comes again, with what follows it.
    if (end < 0 && data.size < MAX_LINE && !endOfStream) return FilterStatus.StopIteration;
    if (end >= 0 && this.guard.isWord(data.slice(0, end))) {
      this.isOpen = true;
      downstreamData.replace(data.slice(end + 1));
      return FilterStatus.Continue;
    }
    closeDownstream();
    return FilterStatus.StopIteration;
  }
}

registerRootContext("tcp-echo-guard", () => new Guard());
