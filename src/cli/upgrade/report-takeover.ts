import type { EventSink } from '../../core/event.ts';
import type { PredecessorConnection } from './successor.ts';

/**
 * Whoever asks this process later is to hear that there was an upgrade, and who asked for it: what the predecessor has told
 * went with it. Told when it is certain that the predecessor leaves.
 */
export async function reportTakeover(
  connection: PredecessorConnection,
  events: EventSink,
  version: string,
): Promise<void> {
  await connection.settled;
  const { pid: predecessor, version: from = null, actor = 'gateway' } = connection.facts;
  const which = from === null ? `process ${predecessor}` : `process ${predecessor}, candor ${from}`;
  const how = connection.predecessorDied ? ', which ended before the handoff was complete' : '';
  events.emit({
    kind: 'upgrade_taken_over',
    subject: 'gateway',
    reason: `this process, candor ${version}, has replaced ${which}${how}`,
    evidence: { predecessor, pid: process.pid, from, version },
    actor: typeof actor === 'string' ? actor : 'gateway',
  });
}
