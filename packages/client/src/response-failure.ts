import { readProblemDetails, readProxyStatus } from './answer-evidence.ts';
import { type CallFailure, describeFailure } from './call-failure.ts';
import type { ClassifyResponse, ResponseFacts } from './response-facts.ts';
import { waitAskedBy } from './retry-after.ts';

/** 4xx that are about the moment and not about the request. */
const passing4xx: readonly number[] = [408, 421, 425, 429];

/** Whether an answer may be one that failed, so that its body is worth a look. */
export function mayHaveFailed(status: number, header: ResponseFacts['header']): boolean {
  return (
    status >= 500 || passing4xx.includes(status) || (status >= 400 && /; *error=/.test(header('proxy-status') ?? ''))
  );
}

/**
 * Reads an answer: what is written for programs first, then the signatures of gateways. Null: the answer is no failure, or a 4xx that is about the
 * request.
 */
export function failureOfResponse(
  facts: ResponseFacts,
  classify: ClassifyResponse,
  wallTime: number,
): CallFailure | null {
  const { status } = facts;
  if (!mayHaveFailed(status, facts.header)) return null;
  const proxy = readProxyStatus(facts);
  const problem = readProblemDetails(facts);
  const best = problem ?? proxy ?? classify(facts);
  const isService = best?.writer === 'service';
  return describeFailure(
    {
      shape: isService ? 'app_error' : status === 504 ? 'too_slow' : null,
      whose: isService ? 'application' : null,
      delivery: deliveryOf(status, isService),
      requestId: facts.header('x-request-id'),
    },
    best,
    proxy,
    problem,
    { status, retryAfterMs: waitAskedBy(facts.header, wallTime) },
  );
}

/**
 * RFC 8470 §5.2 and RFC 9110 §15.5.20: such an answer refuses the request before executing it. A 429 or 503 does not prove that: an application
 * may pass on the one of a service that it has asked in the midst of its work.
 */
function deliveryOf(status: number, isService: boolean): CallFailure['delivery'] {
  if (status === 425 || status === 421) return 'refused_by_peer';
  if (status === 408) return 'partial';
  return isService ? 'response_started' : 'sent_unknown';
}
