import { X509Certificate } from "node:crypto";
import type { Logger } from "pino";
import { endsSoon, type CertificateTime } from "../certificates/index.ts";
import { certificatesOf, type Security } from "../security/index.ts";

const day = 86_400_000;

export interface CertificateEndingsOptions {
  /** Of all certificates that are used now. */
  readonly times: () => readonly CertificateTime[];
  /** One that was good has ended, so what it is for may be faulty from now on. */
  readonly onEnded: () => void;
  readonly log: Pick<Logger, "warn" | "error">;
}

const EVERY_MS = 60_000;

/** Tells of certificates that are about to end, and of those that have: in the log, each once a day. */
export class CertificateEndings {
  readonly #options: CertificateEndingsOptions;
  #timer: NodeJS.Timeout | undefined;
  /** When what was told last, by name and end. */
  #told = new Map<string, number>();
  #ended = new Set<string>();

  constructor(options: CertificateEndingsOptions) {
    this.#options = options;
  }

  /** Looks now, then each minute, and when one ends. */
  watch(): void {
    const now = Date.now();
    this.look(now);
    const next = Math.min(...this.#options.times().flatMap(({ endsAt }) => (endsAt > now ? [endsAt - now] : [])));
    this.#timer = setTimeout(() => this.watch(), Math.min(next, EVERY_MS)).unref();
  }

  look(now: number): void {
    const { times, onEnded, log } = this.#options;
    const told = new Map<string, number>();
    const ended = new Set<string>();
    for (const time of times()) {
      if (!endsSoon(time, now)) continue;
      const { name, endsAt } = time;
      const key = `${name} ${String(endsAt)}`;
      const before = this.#told.get(key) ?? -Infinity;
      const isOver = endsAt <= now;
      if (isOver) ended.add(key);
      const isNew = isOver && !this.#ended.has(key);
      told.set(key, isNew || now - before >= day ? now : before);
      if (told.get(key) !== now) continue;
      const when = new Date(endsAt).toISOString();
      if (isOver) log.error({ name, endsAt: when }, `the certificate of ${name} ended at ${when}`);
      else log.warn({ name, endsAt: when }, `the certificate of ${name} ends at ${when}`);
    }
    const hasEnded = [...ended].some((key) => !this.#ended.has(key));
    [this.#told, this.#ended] = [told, ended];
    if (hasEnded) onEnded();
  }

  stop(): void {
    clearTimeout(this.#timer);
  }
}

/** From when until when the control plane's own certificate is good, and that of the authority that issues. */
export function timesOf({ authority, certificate }: Pick<Security, "authority" | "certificate">): CertificateTime[] {
  return [
    ...(authority === undefined ? [] : [timeOf("authority", "the authority", authority.certificate)]),
    timeOf("control-plane", "the control plane", certificate),
  ];
}

/** Of certificates one above the other: until the first of them ends. */
function timeOf(use: CertificateTime["use"], name: string, pem: string): CertificateTime {
  const times = certificatesOf(pem).map((one) => {
    const { validFrom, validTo } = new X509Certificate(one);
    return { beginsAt: Date.parse(validFrom), endsAt: Date.parse(validTo) };
  });
  const { beginsAt = 0, endsAt = Infinity } = times.sort((a, b) => a.endsAt - b.endsAt)[0] ?? {};
  return { use, name, beginsAt, endsAt };
}
