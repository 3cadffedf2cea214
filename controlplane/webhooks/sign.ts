import { createHmac } from "node:crypto";

/**
 * The headers of a delivery by Standard Webhooks: a receiver knows by them who wrote it, whether it is old, and whether it had it before.
 *
 * @param id the same for each attempt.
 * @param at the time of the attempt, in milliseconds since the epoch.
 */
export function headersFor(id: string, at: number, body: string, secret: Buffer | undefined): Record<string, string> {
  const timestamp = String(Math.floor(at / 1_000));
  const headers = { "webhook-id": id, "webhook-timestamp": timestamp };
  if (secret === undefined) return headers;
  const signature = createHmac("sha256", secret).update(`${id}.${timestamp}.${body}`).digest("base64");
  return { ...headers, "webhook-signature": `v1,${signature}` };
}
