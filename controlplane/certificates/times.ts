const day = 86_400_000;
/** Where a certificate is good for longer than some weeks, this is time enough to replace it. */
const NOTICE_MS = 14 * day;

/** From when until when a certificate is good, in milliseconds since the epoch. */
export interface CertificateTime {
  /** What it is for: the authority of the mesh, the control plane itself, who applications are, or a Certificate. */
  readonly use: "authority" | "control-plane" | "workload" | "certificate";
  /** Which one it is, for people, such as `Certificate/web`. */
  readonly name: string;
  readonly beginsAt: number;
  readonly endsAt: number;
}

/**
 * Whether it should have been replaced by now: two weeks before it ends, or where it is good for less than eight, when three quarters
 * of its time are over. What the control plane itself renews is renewed before that.
 */
export function endsSoon({ beginsAt, endsAt }: CertificateTime, now: number): boolean {
  return now >= endsAt - Math.min(NOTICE_MS, (endsAt - beginsAt) / 4);
}
