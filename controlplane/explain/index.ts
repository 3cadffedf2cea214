export { formatChanges, formatHeader } from "./format.ts";
export { InputError } from "./input-error.ts";
export { isList, isObject, objectOr, objectsOf, textOr } from "./json.ts";
export {
  connectionProperties,
  optional,
  refusalOf,
  requestHeaders,
  responseOf,
  summaryOf,
  SECRET_HEADERS,
  timeOf,
  upstreamOf,
  withPort,
  type Header,
  type LocalAnswer,
  type PlainRequest,
  type RequestSummary,
  type UpstreamRequest,
} from "./request.ts";
export { readRequestTable } from "./request-table.ts";
export { loadSubject, type Subject, type SubjectOptions } from "./subject.ts";
