import { type AnsweredFailure, answeredFailure } from '../../../explain/src/whose/answered-failure.ts';
import { headersOfRules } from '../../../explain/src/whose/headers-of-rules.ts';
import { type AnsweredResponse, type Authorship, whose } from '../../../explain/src/whose/whose.ts';
import type { ClientClock } from '../client-clock.ts';
import { readStart } from '../response-body.ts';
import type { ClassifyResponse } from '../response-facts.ts';
import { systemClientClock } from '../system.ts';

export type { AnsweredFailure } from '../../../explain/src/whose/answered-failure.ts';
export type { Authorship, Confidence, Layer } from '../../../explain/src/whose/whose.ts';

/** Who wrote a response, with the evidence and a sentence for people, and what it says of the failure. */
export type ResponseExplanation = Authorship & AnsweredFailure;

/** As much of a body as the rules read. */
const bodyBytesMax = 65_536;

/**
 * Explains a response by the full rules of `candor whose`. Reads a copy of its body, at most 64 KiB and for a second, so that the caller can still
 * read it; of a body that was read already, the head alone is explained. Sends nothing.
 */
export async function explainResponse(
  response: Response,
  clock: ClientClock = systemClientClock,
): Promise<ResponseExplanation> {
  const isTaken = response.bodyUsed || response.body?.locked === true;
  const body = isTaken ? null : await readStart(response, clock, bodyBytesMax);
  const answered: AnsweredResponse = {
    status: response.status,
    headers: Object.fromEntries(response.headers),
    ...(body === null ? {} : { body }),
  };
  return explained(answered);
}

function explained(answered: AnsweredResponse): ResponseExplanation {
  const authorship = whose(answered);
  return { ...authorship, ...answeredFailure(answered, authorship.author) };
}

/** For `createFetch({ classify: classifyByRules })`: the full rules in place of the table of signatures. They see the first 256 bytes of a body. */
export const classifyByRules: ClassifyResponse = (facts) => {
  const { status, bodyStart } = facts;
  const headers: Record<string, string> = {};
  for (const name of headersOfRules) {
    const value = facts.header(name);
    if (value !== null) headers[name] = value;
  }
  const { author, shape, cause, whose, delivery } = explained({ status, headers, body: bodyStart });
  if (author === 'unknown') return null;
  const isService = author === 'application';
  return {
    writer: isService ? 'service' : 'gateway',
    gateway: isService ? null : author,
    shape,
    cause,
    whose,
    delivery,
  };
};
