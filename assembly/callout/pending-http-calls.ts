import { HttpCallReply } from "./http-call-reply";
import { PendingTable } from "./pending";

/** The HTTP calls that wait for an answer. */
// @ts-ignore: decorator
@lazy export const httpCalls: PendingTable<HttpCallReply> = new PendingTable<HttpCallReply>();
