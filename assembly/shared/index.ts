// Data that the workers share: as it is, and changed safely.

export { SharedCounter } from "./counter";
export { CREATE, SharedValue, getSharedData, setSharedData } from "./data";
export { SharedLock } from "./lock";
export { SharedUpdate, SharedUpdateResult, updateSharedData } from "./update";
