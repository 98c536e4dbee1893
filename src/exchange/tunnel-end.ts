import type { TunnelFacts } from '../core/exchange.ts';
import { whoseOf } from '#failures/failure-texts.ts';
import { fail, type Failure } from '#failures/failure.ts';
import type { Attempt } from './attempt.ts';

/** Whether the failure is that the application's side of the connection broke. */
export function isBrokenByEndpoint({ cause }: Failure): boolean {
  return byEndpoint.has(cause);
}

/** Whether the failure is that one of the two connections broke. */
export function isBrokenConnection({ cause }: Failure): boolean {
  return cause === 'client_gone' || byEndpoint.has(cause);
}

const byEndpoint: ReadonlySet<Failure['cause']> = new Set<Failure['cause']>([
  'tunnel_unclosed',
  'response_body_reset',
  'response_body_unclosed',
]);

/** The failure of a tunnel whose connection broke because the process of the instance ended. */
export function exitFailure({ address }: Attempt, { cause }: Failure, bytesReceived: number): Failure {
  const how = cause === 'response_body_reset' ? 'reset' : 'closed';
  return fail('tunnel_exit', 'body', { address, bytesReceived, how });
}

/** How a tunnel with this failure ended, and which side ended it. */
export function tunnelEndOf(failure: Failure): [TunnelFacts['how'], TunnelFacts['by']] {
  switch (failure.cause) {
    case 'tunnel_exit':
      return ['exit', 'application'];
    case 'tunnel_unclosed':
    case 'response_body_unclosed':
      return ['unclosed', 'application'];
    case 'response_body_reset':
      return ['reset', 'application'];
    case 'client_gone':
      return [failure.evidence.how === 'closed' ? 'unclosed' : 'reset', 'client'];
    case 'drained':
      return ['drained', 'gateway'];
    case 'tunnel_idle':
      return ['idle', 'gateway'];
    default:
      return ['failed', whoseOf(failure) === 'client' ? 'client' : 'gateway'];
  }
}
