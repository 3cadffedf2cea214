export { handleRequest, type QuotaReport } from "./handler.ts";
export { statusReport, type FilterReport, type SidecarReport, type StatusReport } from "./status-report.ts";
