export { OverlaySource, type Overlay } from "./overlay-source.ts";
export { faultyPlan, hasChanges, makePlan, type PlanInput, type PlanSide } from "./plan.ts";
export type {
  ChangeKind,
  HeldBack,
  PlanReport,
  ResourceChange,
  SidecarGroup,
  XdsChange,
  XdsDifference,
} from "./report.ts";
