import {
  Explainer,
  formatExplanation,
  readRequests,
  type Explanation,
  type ExternalAnswer,
  type RequestSpec,
} from "../../authz/index.ts";
import { InputError, loadSubject } from "../../explain/index.ts";
import type { JsonObject } from "../../model/index.ts";
import { NOT_SO } from "../fail.ts";
import { readAnswers, readText } from "../read.ts";
import { requestOf, type RequestFlags } from "../request-flags.ts";

export interface ExplainFlags extends RequestFlags {
  readonly requests?: string;
  readonly apiKey?: string;
  readonly token?: string;
  readonly claims?: JsonObject;
  readonly user?: string;
  readonly external?: ExternalAnswer;
  readonly policy?: string;
  readonly jwks: readonly string[];
  readonly module?: string;
  readonly json: boolean;
}

const UNDECIDED = 3;

/** `meshwright authz explain`. */
export async function explain(configuration: string, flags: ExplainFlags): Promise<void> {
  const subject = await loadSubject("authz", configuration, flags);
  const explainer = await Explainer.create(subject, await readAnswers(flags.jwks));
  const specs = flags.requests === undefined ? [specOf(flags)] : await readSpecs(flags.requests);
  const explanations: Explanation[] = [];
  for (const spec of specs) explanations.push(await explainer.explain(spec));
  const text = flags.json
    ? JSON.stringify(explanations, null, 2)
    : explanations.map((explanation) => formatExplanation(explanation).join("\n")).join("\n\n");
  process.stdout.write(`${text}\n`);
  process.exitCode = exitCode(explanations);
}

function exitCode(explanations: readonly Explanation[]): number {
  if (explanations.some(({ decision }) => decision === "denied")) return NOT_SO;
  return explanations.some(({ decision }) => decision === "undecided") ? UNDECIDED : 0;
}

async function readSpecs(path: string): Promise<readonly RequestSpec[]> {
  return readRequests({ path, text: await readText(path) }).requests;
}

function specOf(flags: ExplainFlags): RequestSpec {
  const { token, claims, apiKey, user, external } = flags;
  if (claims !== undefined && token === undefined) throw new InputError("--claims: --token says who the issuer is");
  return {
    ...requestOf(flags),
    ...(apiKey !== undefined && { apiKey }),
    ...(token !== undefined && { token: { provider: token, ...(claims !== undefined && { claims }) } }),
    ...(user !== undefined && { user }),
    ...(external !== undefined && { external }),
  };
}
