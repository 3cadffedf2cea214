import {
  Bytes,
  CounterFamily,
  Duration,
  HeaderName,
  HttpContext,
  RootContext,
  SharedQueue,
  Status,
  Timer,
  logError,
  logInfo,
  registerRootContext,
  responseHeaders,
} from "proxy-wasm-assemblyscript-sdk";

const QUEUE = "answers";
const STATUS = new HeaderName(":status");

/** The filter: one on each worker. */
class Sender extends RootContext {
  sharedHttpContext: HttpContext | null = new SenderStream();
}

class SenderStream extends HttpContext {
  private queue: SharedQueue | null = null;

  onLog(): void {
    const status = responseHeaders.find(STATUS);
    if (status === null) return;
    // The service may start after the first requests.
    if (this.queue === null) this.queue = SharedQueue.resolve("", QUEUE);
    const queue = this.queue;
    if (queue !== null && queue.enqueue(status) == Status.NotFound) this.queue = null;
  }
}

/** The service: one for the whole process, as a bootstrap extension. */
class Tally extends RootContext {
  private answers: CounterFamily | null = null;
  private summary: Summary = new Summary();

  onConfigure(configuration: Bytes): bool {
    this.answers = new CounterFamily("answers", ["status"]);
    this.summary.startPeriodic(Duration.seconds(5));
    if (SharedQueue.register(QUEUE) !== null) return true;
    logError("the queue cannot be registered");
    return false;
  }

  onQueueReady(queue: SharedQueue): void {
    const answers = this.answers;
    if (answers === null) return;
    // One call may stand for several messages.
    for (let status = queue.dequeue(); status !== null; status = queue.dequeue()) {
      answers.tag(status).increment();
      ++this.summary.answers;
    }
  }
}

class Summary extends Timer {
  answers: u32 = 0;

  onTime(): void {
    if (this.answers) logInfo(`${this.answers} answers in the last 5 s`);
    this.answers = 0;
  }
}

registerRootContext("sender", () => new Sender());
registerRootContext("tally", () => new Tally());
