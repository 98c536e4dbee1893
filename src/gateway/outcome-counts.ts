import type { AttemptFacts, EndedExchange } from '../core/exchange.ts';
import { shapeOf, specOf } from '../core/explain.ts';
import type { Cause, Failure } from '../core/failure.ts';
import type { EndpointOutcomes } from '../core/outcome.ts';

/** Endpoints times states, within 100 ms. Beyond this nothing is judged by traffic, and checks decide alone. */
const cellsMax = 4096;

/**
 * Collects in a serving worker what attempts at each endpoint came to, until the next batch takes it to main.
 * An exchange that goes well costs one look at the cell that was used last.
 */
export class OutcomeCounts {
  #cells = new Map<string, EndpointOutcomes>();
  #last: EndpointOutcomes | null = null;

  count(exchange: EndedExchange): void {
    const { attempts } = exchange;
    for (let index = 0; index < attempts.length; index++) this.#countOne(exchange, attempts[index] as AttemptFacts);
  }

  #countOne(exchange: EndedExchange, attempt: AttemptFacts): void {
    const { failure } = attempt;
    // The client had gone before anything was known of the endpoint.
    if (failure === null && attempt.status === 0) return;
    const cell = this.#cellOf(exchange.upstream, attempt);
    if (cell === null) return;
    if (failure === null) {
      cell.successes += 1;
      cell.unreachableInRow = 0;
      return;
    }
    addCause(cell, failure.cause);
    if (!specOf(failure).countsAgainstHealth || mayBeStale(attempt, failure)) return;
    cell.failures += 1;
    cell.unreachableInRow = shapeOf(failure) === 'unreachable' ? cell.unreachableInRow + 1 : 0;
  }

  #cellOf(upstream: string, { endpoint, endpointState: state }: AttemptFacts): EndpointOutcomes | null {
    const last = this.#last;
    if (last !== null && last.endpoint === endpoint && last.state === state) return last;
    const key = `${state} ${endpoint}`;
    let cell = this.#cells.get(key);
    if (cell === undefined) {
      if (this.#cells.size >= cellsMax) return null;
      cell = { upstream, endpoint, state, successes: 0, failures: 0, unreachableInRow: 0, causes: [] };
      this.#cells.set(key, cell);
    }
    this.#last = cell;
    return cell;
  }

  /** What has come together since the last call. */
  take(): EndpointOutcomes[] {
    if (this.#cells.size === 0) return [];
    const outcomes = [...this.#cells.values()];
    this.#cells = new Map();
    this.#last = null;
    return outcomes;
  }
}

function addCause(cell: EndpointOutcomes, cause: Cause): void {
  const known = cell.causes.find((one) => one.cause === cause);
  if (known === undefined) cell.causes.push({ cause, count: 1 });
  else known.count += 1;
}

/** An endpoint may close an idle connection at any time (RFC 9112 §9.5): that a request met it says nothing of its health. */
function mayBeStale({ reused }: AttemptFacts, { cause }: Failure): boolean {
  return reused && (cause === 'closed_before_response' || cause === 'reset_before_response' || cause === 'send_failed');
}
