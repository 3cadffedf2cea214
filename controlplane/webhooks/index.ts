export { parseWebhooks, readWebhooks, WebhooksFileError, type Webhook } from "./config.ts";
export { Webhooks, type WebhooksOptions } from "./webhooks.ts";
