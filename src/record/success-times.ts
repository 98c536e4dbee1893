import type { AttemptFacts, EndedExchange } from '../core/exchange.ts';
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

/** Steps of a success that are less than this apart count as one. */
const stepMsMin = 1;

/** For how long a connection must have been idle for a success to record it. A gateway's connections are idle all the time. */
const idleMsMin = 1000;

/** One attempt, whose response was forwarded completely: nearly every exchange. */
export function isSuccess(exchange: EndedExchange): boolean {
  const [attempt] = exchange.attempts;
  return (
    exchange.attempts.length === 1 &&
    attempt !== undefined &&
    exchange.failure === null &&
    exchange.endKind === 'forwarded' &&
    exchange.tunnel === null &&
    exchange.statusReceived > 0 &&
    exchange.statusReceived < 500 &&
    attempt.failure === null &&
    attempt.exit === null
  );
}

/**
 * The times that the record of a success keeps. A request is usually sent, and its response forwarded, within a fraction of a
 * millisecond: these steps get the time of the step before or after them, which is the default of their keys, so the line leaves
 * them out. Milliseconds since the exchange began; −1 if the stage was not reached.
 */
export class SuccessTimes {
  startedMs = 0;
  queuedMs = -1;
  connectedMs = -1;
  sentMs = -1;
  headMs = -1;
  endedMs = 0;
  idleMs = -1;

  reduce(attempt: AttemptFacts, durationMs: number): void {
    const { queuedMs = -1, dnsMs, tlsMs, idleMs } = attempt;
    const started = joined(attempt.startedMs, 0);
    const taken = queuedMs >= 0 ? queuedMs : started >= 0 ? started : 0;
    this.startedMs = started >= 0 ? started : 0;
    this.queuedMs = queuedMs >= 0 ? queuedMs : -1;
    this.connectedMs = joined(attempt.connectedMs, dnsMs >= 0 ? dnsMs : taken);
    this.sentMs = joined(attempt.sentMs, tlsMs >= 0 ? tlsMs : this.connectedMs >= 0 ? this.connectedMs : taken);
    const ended = joined(attempt.endedMs, durationMs);
    this.endedMs = ended >= 0 ? ended : 0;
    this.headMs = joined(attempt.headMs, this.endedMs);
    this.idleMs = idleMs >= idleMsMin ? idleMs : -1;
  }
}

/** The time of a step: that of the next one if it is as good as the same; −1 for a stage that was not reached. */
function joined(ms: number, next: number): number {
  if (!(ms >= 0)) return -1;
  return Math.abs(ms - next) < stepMsMin ? next : ms;
}
