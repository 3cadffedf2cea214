import { Bytes } from "../bytes";
import { Config } from "../config";
import { JsonKind } from "../json/value";
import { stringifyJson } from "../json/writer";

/** What a composed plugin's configuration says of one of its parts. */
@final
export class PartConfiguration {
  name: string = "";
  /** What the part's `onConfigure` gets. */
  text: string = "";
  failsOpen: bool = false;
}

/** All that a composed plugin's configuration says. */
@final
export class CompositionConfiguration {
  parts: PartConfiguration[] = [];
  allowOnHeadersStopIteration: bool = false;
}

/**
 * Reads `{ "filters": [ { "name", "configuration", "onFailure" } ] }`. Null, with what is wrong in the log, when it is not good.
 * @param names The parts that the module has.
 */
export function readConfiguration(configuration: Bytes, names: string[]): CompositionConfiguration | null {
  const config = new Config(configuration);
  const filters = config.root.objects("filters");
  const result = new CompositionConfiguration();
  const parts = result.parts;
  result.allowOnHeadersStopIteration = config.root.boolOr("allowOnHeadersStopIteration", false);
  for (let i = 0; i < filters.length; ++i) {
    const filter = filters[i];
    const part = new PartConfiguration();
    part.name = names[filter.oneOf("name", names)];
    part.failsOpen = filter.oneOfOr("onFailure", ["closed", "open"], 0) == 1;
    const own = filter.json("configuration");
    // A filter that reads no JSON gets the text itself.
    if (own !== null) part.text = own.kind == JsonKind.String ? own.text : stringifyJson(own);
    parts.push(part);
  }
  if (!parts.length) config.error("filters", "expected at least one filter");
  return config.accept() ? result : null;
}
