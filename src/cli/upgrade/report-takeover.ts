import type { EventSink } from '../../core/event.ts';
import type { PredecessorConnection } from './successor.ts';

/**
 * Emits an event about the upgrade, and who asked for it. The events of the predecessor are lost with that process. Waits
 * until the predecessor certainly leaves.
 */
export async function reportTakeover(
  connection: PredecessorConnection,
  events: EventSink,
  version: string,
): Promise<void> {
  await connection.settled;
  const { pid: predecessor, version: from, actor = 'gateway' } = connection.facts;
  const how = connection.predecessorDied ? ', which ended before the handoff was complete' : '';
  events.emit({
    kind: 'upgrade_taken_over',
    subject: 'gateway',
    reason: `this process, candor ${version}, has replaced process ${predecessor}, candor ${from}${how}`,
    evidence: { predecessor, pid: process.pid, from, version },
    actor: typeof actor === 'string' ? actor : 'gateway',
  });
}
