import type { EndpointCondition, GatewayState, QueueState } from '../core/schemas/gateway-state.ts';
import type { TextRedactor } from '../redact/text-redactor.ts';
import { bounded } from './json-text.ts';
import { recordLimits } from './limits.ts';

/** Reasons of states change seldom, and failures come in thousands. */
const reasonsMax = 64;

/** States of the gateway as records have them: redacted, bounded. Some 250 bytes. */
export class RecordedGatewayStates {
  readonly #redactor: TextRedactor;
  readonly #reasons = new Map<string, string>();

  constructor(redactor: TextRedactor) {
    this.#redactor = redactor;
  }

  recorded(state: GatewayState): GatewayState {
    const { endpoints, breaker, queues } = state;
    return {
      ...state,
      ...(endpoints === undefined ? {} : { endpoints: endpoints.map((one) => this.#endpoint(one)) }),
      ...(breaker === undefined ? {} : { breaker: { ...breaker, reason: this.#reasonOrNull(breaker.reason) } }),
      ...(queues === undefined ? {} : { queues: queues.map(queueOf) }),
    };
  }

  #endpoint(condition: EndpointCondition): EndpointCondition {
    return { ...condition, endpoint: name(condition.endpoint), reason: this.#reason(condition.reason) };
  }

  #reasonOrNull(reason: string | null): string | null {
    return reason === null ? null : this.#reason(reason);
  }

  #reason(reason: string): string {
    let shown = this.#reasons.get(reason);
    if (shown !== undefined) return shown;
    shown = bounded(this.#redactor.redact(reason), recordLimits.reason).toWellFormed();
    if (this.#reasons.size >= reasonsMax) this.#reasons.clear();
    this.#reasons.set(reason, shown);
    return shown;
  }
}

function queueOf(queue: QueueState): QueueState {
  return { ...queue, queue: name(queue.queue) };
}

function name(text: string): string {
  return bounded(text, recordLimits.name).toWellFormed();
}
