import { escapeInvisible } from '#failures/invisible-characters.ts';
import { snakeCased } from '#failures/json-case.ts';
import type { Account } from './account.ts';

/**
 * A failure as problem details (RFC 9457), indented and with a line end, since people read it in a
 * terminal. Members without a value are left out, except those whose null has a meaning.
 */
export function writeProblemDetails(account: Account): string {
  return `${escapeInvisible(JSON.stringify(problemDetails(account), null, 2))}\n`;
}

function problemDetails(account: Account): object {
  const { forOperators } = account;
  const instance = uuid.test(account.requestId) ? { instance: `urn:uuid:${account.requestId.toLowerCase()}` } : {};
  return {
    type: account.problemType,
    title: account.title,
    status: account.status,
    detail: forOperators?.sentence ?? account.forClient,
    ...instance,
    cause: account.cause,
    shape: account.shape,
    proxy_error: account.type,
    whose: account.whose,
    delivery: account.delivery,
    may_have_been_executed: account.mayHaveBeenExecuted,
    temporary: account.temporary,
    retry_after: account.retryAfterS,
    request_id: account.requestId,
    ...(forOperators === null
      ? {}
      : {
          endpoint: forOperators.endpoint,
          received_status: forOperators.receivedStatus,
          evidence: snakeCased(forOperators.evidence),
          usual_causes: forOperators.usualCauses,
          next_step: forOperators.nextStep,
        }),
  };
}

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
