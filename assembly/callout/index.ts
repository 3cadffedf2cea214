// HTTP requests that a filter makes.

export { HttpCall } from "./http-call";
export { HttpCallReply, HttpCallResponse, CalloutFailure } from "./http-call-reply";
export { Join } from "./join";
