import type { Failure } from './failure.ts';

/** Whether the exit of an instance's process can cause this failure. */
export function mayBeCausedByExit(cause: Failure['cause']): boolean {
  return exitCauses.has(cause);
}

const exitCauses: ReadonlySet<Failure['cause']> = new Set<Failure['cause']>([
  'closed_before_response',
  'reset_before_response',
  'send_failed',
  'connect_refused',
  'connect_reset',
  'response_head_truncated',
  'response_body_short',
  'response_chunked_truncated',
  'response_stream_cut',
  'response_body_reset',
  'tunnel_unclosed',
]);
