export { handleRequest, type QuotaReport } from "./handler.ts";
export {
  statusReport,
  type FilterReport,
  type SidecarReport,
  type StatusReport,
  type TrafficReport,
} from "./status-report.ts";
