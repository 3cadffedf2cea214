// Request targets, queries and URLs.

export { RequestTarget, pathOf } from "./target";
export { Query, QueryBuilder, removeQueryParameter, setQueryParameter } from "./query";
export { HttpUrl, urlError } from "./http-url";
export { isIpv4, isIpv6 } from "./ip";
