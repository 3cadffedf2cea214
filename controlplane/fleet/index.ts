export { Fleet, type FleetEvents, type FleetOptions, type NodeOutcome, type NodeView } from "./fleet.ts";
