// Bodies that a filter reads whole, changes as they pass, or replaces. `Buffer` is what they are built on.

export { BodyHandler } from "./handler";
export { BufferedBody } from "./buffered";
export { ReplacedBody } from "./replaced";
export { StreamedBody } from "./streamed";
