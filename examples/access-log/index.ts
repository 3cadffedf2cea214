import {
  Bytes,
  Config,
  HeaderName,
  JsonWriter,
  RootContext,
  attributes,
  logInfo,
  registerRootContext,
  requestHeaders,
} from "proxy-wasm-assemblyscript-sdk";

const METHOD = new HeaderName(":method");
const PATH = new HeaderName(":path");
const USER = new HeaderName("x-user");

/** Its memory is used again by every line. */
const line = new JsonWriter();

class AccessLog extends RootContext {
  private minStatus: i64 = 0;

  onConfigure(configuration: Bytes): bool {
    const config = new Config(configuration);
    this.minStatus = config.root.integerOr("minStatus", 0, 599, 0);
    return config.accept();
  }

  onLog(): void {
    const status = attributes.response.code.i64();
    // No status: the client went away.
    if (status != 0 && status < this.minStatus) return;
    line.clear().beginObject().name("status").integer(status);
    member("method", requestHeaders.find(METHOD));
    member("path", requestHeaders.find(PATH));
    member("user", requestHeaders.find(USER));
    member("details", attributes.response.codeDetails.bytes());
    line.endObject();
    logInfo(line.bytes.toString());
  }
}

function member(name: string, value: Bytes | null): void {
  if (value !== null) line.name(name).stringBytes(value);
}

registerRootContext("access-log", () => new AccessLog());
