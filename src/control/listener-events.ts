import { hostPort } from '../core/endpoint.ts';
import type { EventSink } from '../core/event.ts';
import type { OpenListener } from '../core/worker-messages.ts';

/** Emits an event for each listener that was opened or closed between `before` and `now`. */
export function reportListeners(
  events: EventSink,
  before: readonly OpenListener[],
  now: readonly OpenListener[],
): void {
  const [known, open] = [new Set(before.map(text)), new Set(now.map(text))];
  for (const listener of now.filter((one) => !known.has(text(one)))) {
    const reason = `listening on ${text(listener)}`;
    const evidence = { listener: listener.id, address: text(listener) };
    events.emit({ kind: 'listener_opened', subject: `listener:${listener.id}`, reason, evidence });
  }
  for (const listener of before.filter((one) => !open.has(text(one)))) {
    const reason = 'the configuration no longer has it';
    const evidence = { listener: listener.id, address: text(listener) };
    events.emit({ kind: 'listener_closed', subject: `listener:${listener.id}`, reason, evidence });
  }
}

function text({ host, port }: OpenListener): string {
  return hostPort(host, port);
}
