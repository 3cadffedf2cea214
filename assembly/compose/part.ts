import { HttpContext, RootContext } from "../context";

/** A filter that a composed plugin runs. */
@final
export class Part {
  /** It answered false to `onDone`, and has not said `pluginDone` yet. */
  isLeaving: bool = false;

  constructor(
    readonly name: string,
    readonly root: RootContext,
    /** Whether requests pass it by after it trapped. */
    readonly failsOpen: bool,
  ) {}

  /** Its context for a new stream. Null lets the stream pass it by. */
  createContext(): HttpContext | null {
    const shared = this.root.sharedHttpContext;
    return shared !== null ? shared : this.root.createHttpContext();
  }
}
