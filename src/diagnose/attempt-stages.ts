import type { AttemptRecord } from '../core/schemas/record.ts';

/** One stage of an attempt, in milliseconds since the exchange began. */
export interface AttemptStage {
  readonly name: string;
  readonly fromMs: number;
  readonly toMs: number;
}

/**
 * The stages that an attempt went through, in order and without gaps. Each ends at the time in the record; the last one ends
 * when the attempt ended.
 */
export function stagesOf(attempt: AttemptRecord): AttemptStage[] {
  const { queued_ms: queuedMs = null } = attempt;
  const ends: readonly (readonly [name: string, toMs: number | null])[] = attempt.reused
    ? [
        ['queue', queuedMs],
        ['send', attempt.sent_ms],
        ['wait', attempt.head_ms],
      ]
    : [
        ['queue', queuedMs],
        ['dns', attempt.dns_ms],
        ['connect', attempt.connected_ms],
        ['tls', attempt.tls_ms],
        ['send', attempt.sent_ms],
        ['wait', attempt.head_ms],
      ];
  const stages: AttemptStage[] = [];
  let fromMs = attempt.started_ms;
  for (const [name, toMs] of ends) {
    if (toMs === null) continue;
    stages.push({ name, fromMs, toMs: Math.max(fromMs, toMs) });
    fromMs = Math.max(fromMs, toMs);
  }
  stages.push({ name: lastStage(attempt), fromMs, toMs: Math.max(fromMs, attempt.ended_ms) });
  return stages;
}

function lastStage(attempt: AttemptRecord): string {
  if (attempt.head_ms !== null) return 'body';
  switch (attempt.stage) {
    case 'response':
      return 'wait';
    case null:
      return 'body';
    default:
      return attempt.stage;
  }
}
