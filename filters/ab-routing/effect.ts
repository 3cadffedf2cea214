// What a variant does to a request beside telling its name.

import { ConfigObject, requestHeaders, responseHeaders } from "proxy-wasm-assemblyscript-sdk";
import { Fault } from "./fault";
import { HeaderEdits } from "./header-edits";
import { Rewrite } from "./rewrite";


@final
export class Effect {
  readonly fault: Fault | null;
  private requestEdits: HeaderEdits | null;
  private responseEdits: HeaderEdits | null;
  private rewrite: Rewrite | null;

  constructor(object: ConfigObject) {
    const request = object.objectOrNull("requestHeaders");
    const response = object.objectOrNull("responseHeaders");
    const rewrite = object.objectOrNull("rewrite");
    const fault = object.objectOrNull("fault");
    this.requestEdits = request === null ? null : new HeaderEdits(request);
    this.responseEdits = response === null ? null : new HeaderEdits(response);
    this.rewrite = rewrite === null ? null : new Rewrite(rewrite);
    this.fault = fault === null ? null : new Fault(fault);
  }

  get changesResponses(): bool {
    return this.responseEdits !== null;
  }

  /** Whether it changes a request header of this name. */
  changesRequestHeader(name: string): bool {
    const edits = this.requestEdits;
    return edits !== null && edits.changes(name);
  }

  changeRequest(): void {
    const edits = this.requestEdits;
    if (edits !== null) edits.apply(requestHeaders);
    const rewrite = this.rewrite;
    if (rewrite !== null) rewrite.apply();
  }

  changeResponse(): void {
    const edits = this.responseEdits;
    if (edits !== null) edits.apply(responseHeaders);
  }
}
