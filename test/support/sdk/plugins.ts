/** A plugin of test/fixtures/sdk.ts. */
export interface PluginSetting {
  readonly name: string;
  readonly rootId: string;
  readonly configuration: object;
  /** Whether headers can be held while the body comes (Envoy's `allow_on_headers_stop_iteration`); false when left out. */
  readonly allowOnHeadersStopIteration?: boolean;
}

/** All in one VM, started in this order. */
export const plugins: readonly PluginSetting[] = [
  { name: "scenarios", rootId: "scenarios", configuration: {} },
  { name: "first", rootId: "marked", configuration: { mark: "one" } },
  { name: "second", rootId: "marked", configuration: { mark: "two", shared: true } },
  { name: "passed-by", rootId: "marked", configuration: { mark: "none" } },
  { name: "plain", rootId: "plain", configuration: {} },
];

export const vmConfiguration = "of the VM";

/** Metadata of Envoy's routes; its numbers are doubles. */
export const metadata = { ratio: 2, on: true, text: "é" };
