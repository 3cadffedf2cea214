// What an authorizer says of a request.

import {
  Bytes,
  HeaderList,
  HeaderName,
  Status,
  removeQueryParameter,
  requestHeaders,
  setQueryParameter,
} from "proxy-wasm-assemblyscript-sdk";
import { HeaderChange, isChangeable } from "./header-change";

const PATH: HeaderName = new HeaderName(":path");

/** More changes than this in one answer are a mistake, or worse. */
// @ts-ignore: decorator
@inline const MAX_CHANGES: i32 = 256;

export enum Verdict {
  Allowed,
  Denied,
  /** There was no answer: no connection, or none in time. */
  Unavailable,
  /** What came is no answer, or asks for what must not be done. It always denies, for a client may have brought it about. */
  Bad,
}

/** An answer; it is not changed once it is read, so it can be kept. */
@final
export class Answer {
  verdict: Verdict;
  /** Of a denial: HTTP status. */
  status: u32 = 403;
  /** Of a denial. */
  body: Uint8Array = new Uint8Array(0);
  /** Of a denial: for the client. */
  deniedHeaders: HeaderChange[] = [];
  /** For the upstream. */
  requestHeaders: HeaderChange[] = [];
  headersToRemove: HeaderName[] = [];
  /** For the client, with the upstream's response. */
  responseHeaders: HeaderChange[] = [];
  /** Names and values by turns. */
  parametersToSet: string[] = [];
  parametersToRemove: string[] = [];
  /** A serialized `google.protobuf.Struct`; null for none. */
  metadata: Uint8Array | null = null;

  constructor(verdict: Verdict) {
    this.verdict = verdict;
  }

  /** This answer, or a bad one where it asks for what must not be done. */
  checked(): Answer {
    const changes =
      this.deniedHeaders.length +
      this.requestHeaders.length +
      this.responseHeaders.length +
      this.headersToRemove.length +
      this.parametersToRemove.length +
      this.parametersToSet.length;
    if (changes > MAX_CHANGES) return new Answer(Verdict.Bad);
    if (!areFit(this.deniedHeaders) || !areFit(this.requestHeaders) || !areFit(this.responseHeaders)) {
      return new Answer(Verdict.Bad);
    }
    for (let i = 0; i < this.headersToRemove.length; ++i) {
      if (!isChangeable(this.headersToRemove[i].name)) return new Answer(Verdict.Bad);
    }
    return this;
  }

  /** What it takes in memory, about. */
  get size(): i32 {
    let size = this.body.length;
    size += sizeOf(this.deniedHeaders) + sizeOf(this.requestHeaders) + sizeOf(this.responseHeaders);
    for (let i = 0; i < this.headersToRemove.length; ++i) size += 64 + this.headersToRemove[i].size;
    for (let i = 0; i < this.parametersToSet.length; ++i) size += 32 + 2 * this.parametersToSet[i].length;
    for (let i = 0; i < this.parametersToRemove.length; ++i) size += 32 + 2 * this.parametersToRemove[i].length;
    const metadata = this.metadata;
    return metadata === null ? size : size + metadata.length;
  }

  /** Changes the current request as the answer says: headers, then what goes, then the query. False when the host failed to. */
  applyToRequest(): bool {
    for (let i = 0; i < this.requestHeaders.length; ++i) {
      if (this.requestHeaders[i].apply(requestHeaders) != Status.Ok) return false;
    }
    for (let i = 0; i < this.headersToRemove.length; ++i) {
      if (requestHeaders.removeName(this.headersToRemove[i]) != Status.Ok) return false;
    }
    return this.applyToQuery();
  }

  private applyToQuery(): bool {
    if (this.parametersToSet.length == 0 && this.parametersToRemove.length == 0) return true;
    let target = requestHeaders.find(PATH);
    if (target === null) return false;
    for (let i = 0; i + 1 < this.parametersToSet.length; i += 2) {
      target = setQueryParameter(target, this.parametersToSet[i], this.parametersToSet[i + 1]);
    }
    for (let i = 0; i < this.parametersToRemove.length; ++i) {
      target = removeQueryParameter(target, this.parametersToRemove[i]);
    }
    return requestHeaders.setBytes(PATH, target) == Status.Ok;
  }

  /** The headers of a denial. */
  get localHeaders(): HeaderList | null {
    if (this.deniedHeaders.length == 0) return null;
    const list = new HeaderList();
    for (let i = 0; i < this.deniedHeaders.length; ++i) {
      const change = this.deniedHeaders[i];
      list.addBytes(change.header.name, Bytes.of(change.value));
    }
    return list;
  }
}

function areFit(changes: HeaderChange[]): bool {
  for (let i = 0; i < changes.length; ++i) {
    if (!changes[i].isFit) return false;
  }
  return true;
}

function sizeOf(changes: HeaderChange[]): i32 {
  let size = 0;
  for (let i = 0; i < changes.length; ++i) size += 128 + changes[i].header.size + changes[i].value.length;
  return size;
}
