export { tryInEnvoy, type ShadowFilter } from "./shadow.ts";
