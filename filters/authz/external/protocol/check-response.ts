// `envoy.service.auth.v3.CheckResponse`.

import { Bytes, HeaderName, ProtobufReader, ProtobufWriter, WireType } from "proxy-wasm-assemblyscript-sdk";
import { Answer, Verdict } from "../answer";
import { AppendAction, HeaderChange } from "../header-change";

/** Reads a response. What is malformed, and what asks for something that must not be done, is a bad answer. */
export function readCheckResponse(message: Bytes): Answer {
  const reader = ProtobufReader.of(message);
  const answer = new Answer(Verdict.Allowed);
  let good = true;
  let hasError = false;
  while (good && reader.next()) {
    if (reader.wireType != WireType.Len) continue;
    switch (reader.field) {
      case 1:
        good = readStatus(reader.content, answer);
        break;
      case 2:
        good = readDenied(reader.content, answer);
        break;
      case 3:
        good = readOk(reader.content, answer);
        break;
      case 4:
        // The deprecated field in the OK response has priority, as in Envoy.
        if (answer.metadata === null) answer.metadata = reader.content.copy();
        break;
      case 5:
        hasError = true;
        break;
    }
  }
  if (!good || reader.malformed) return new Answer(Verdict.Bad);
  // The authorizer itself says that it has no decision.
  if (hasError && answer.verdict == Verdict.Denied) return new Answer(Verdict.Bad);
  return answer.checked();
}

/** `google.rpc.Status`: code 0, also left out, is yes. */
function readStatus(message: Bytes, answer: Answer): bool {
  const reader = ProtobufReader.of(message);
  while (reader.next()) {
    if (reader.field == 1 && reader.wireType == WireType.Varint) {
      answer.verdict = reader.number == 0 ? Verdict.Allowed : Verdict.Denied;
    }
  }
  return !reader.malformed;
}

function readDenied(message: Bytes, answer: Answer): bool {
  const reader = ProtobufReader.of(message);
  while (reader.next()) {
    if (reader.wireType != WireType.Len) continue;
    if (reader.field == 1) {
      const status = ProtobufReader.of(reader.content);
      while (status.next()) {
        if (status.field != 1 || status.number == 0) continue;
        // What cannot be sent is not guessed at.
        if (status.number < 200 || status.number > 599) return false;
        answer.status = <u32>status.number;
      }
      if (status.malformed) return false;
    } else if (reader.field == 2) {
      if (!readChange(reader.content, answer.deniedHeaders, AppendAction.AppendIfExistsOrAdd)) return false;
    } else if (reader.field == 3) {
      answer.body = reader.content.copy();
    }
  }
  return !reader.malformed;
}

function readOk(message: Bytes, answer: Answer): bool {
  const reader = ProtobufReader.of(message);
  while (reader.next()) {
    if (reader.wireType != WireType.Len) continue;
    const content = reader.content;
    switch (reader.field) {
      case 2:
        if (!readChange(content, answer.requestHeaders, AppendAction.OverwriteIfExistsOrAdd)) return false;
        break;
      case 3:
        answer.metadata = content.copy();
        break;
      case 5:
        answer.headersToRemove.push(new HeaderName(content.toString()));
        break;
      case 6:
        if (!readChange(content, answer.responseHeaders, AppendAction.AppendIfExistsOrAdd)) return false;
        break;
      case 7: {
        const parameter = readPair(content);
        if (parameter === null) return false;
        answer.parametersToSet.push(parameter[0].toString());
        answer.parametersToSet.push(parameter[1].toString());
        break;
      }
      case 8:
        answer.parametersToRemove.push(content.toString());
        break;
    }
  }
  return !reader.malformed;
}

/**
 * `HeaderValueOption`; false for a malformed one and for an action that is none.
 * @param usual What to do where the message does not say. On a request that is to overwrite, as by Envoy's filter: what a client sent under
 *   the name of a header that vouches for it must not stay there.
 */
function readChange(message: Bytes, changes: HeaderChange[], usual: AppendAction): bool {
  const reader = ProtobufReader.of(message);
  let name = "";
  let value = Bytes.at(0, 0);
  let action: u64 = 0;
  let hasAppend = false;
  let append = false;
  while (reader.next()) {
    if (reader.field == 1 && reader.wireType == WireType.Len) {
      const pair = readPair(reader.content);
      if (pair === null) return false;
      name = pair[0].toString();
      value = pair[2].size ? pair[2] : pair[1];
    } else if (reader.field == 2 && reader.wireType == WireType.Len) {
      const flag = ProtobufReader.of(reader.content);
      hasAppend = true;
      append = false;
      while (flag.next()) {
        if (flag.field == 1) append = flag.number != 0;
      }
      if (flag.malformed) return false;
    } else if (reader.field == 3) {
      action = reader.number;
    }
  }
  if (reader.malformed || action > <u64>AppendAction.OverwriteIfExists) return false;
  // The deprecated field has priority, as in Envoy.
  if (!hasAppend && action == 0) action = usual;
  if (hasAppend) action = append ? AppendAction.AppendIfExistsOrAdd : AppendAction.OverwriteIfExistsOrAdd;
  changes.push(new HeaderChange(name, value.copy(), <AppendAction>action));
  return true;
}

/** Fields 1, 2 and 3 of a `HeaderValue` (key, value, raw value) or a `QueryParameter` (key, value). */
function readPair(message: Bytes): Bytes[] | null {
  const reader = ProtobufReader.of(message);
  const parts = [Bytes.at(0, 0), Bytes.at(0, 0), Bytes.at(0, 0)];
  while (reader.next()) {
    if (reader.wireType == WireType.Len && reader.field <= 3) parts[reader.field - 1] = reader.content;
  }
  return reader.malformed ? null : parts;
}

/** Changes as they are read by `readChanges`: field 1 of a message of our own, each a `HeaderValueOption`. */
export function writeChanges(changes: HeaderChange[]): Bytes {
  const writer = ProtobufWriter.create();
  for (let i = 0; i < changes.length; ++i) {
    const change = changes[i];
    const mark = writer.beginMessage(1);
    const pair = writer.beginMessage(1);
    writer.string(1, change.header.name).bytes(3, Bytes.of(change.value));
    writer.endMessage(pair);
    writer.varint(3, change.action);
    writer.endMessage(mark);
  }
  return writer.message;
}

export function readChanges(message: Bytes): HeaderChange[] {
  const changes: HeaderChange[] = [];
  const reader = ProtobufReader.of(message);
  while (reader.next()) {
    if (reader.field == 1 && !readChange(reader.content, changes, AppendAction.AppendIfExistsOrAdd)) break;
  }
  return changes;
}
