import type { HttpReport, WayReport } from './probe-report.ts';
import { deadAddress, isHarmless } from './way-outcome.ts';

/** A certificate that is renewed automatically is renewed before this. */
const daysLeftMin = 14;

/** What is worth knowing of a way beside its outcome. `lead` says which way it is. */
export function notesOf(lead: string, way: WayReport): readonly string[] {
  return [...nameNotes(way), ...tlsNotes(way), ...httpNotes(way), ...writeNotes(way)].map((note) => lead + note);
}

function nameNotes(way: WayReport): string[] {
  const notes: string[] = [];
  const { dns, addresses } = way;
  if (dns?.failure != null && addresses.length > 0)
    notes.push(`One address family has no answer. ${dns.failure.sentence}`);
  const isLocalName = dns?.source === 'machine';
  const someWork = addresses.some(({ failure }) => failure === null);
  for (const { failure } of addresses) {
    if (someWork && failure !== null && isHarmless(failure, isLocalName))
      notes.push(`${failure.sentence} Clients then use another address.`);
  }
  const dead = deadAddress(way);
  for (const { failure } of addresses) {
    if (dead !== null && failure !== null && failure !== dead.failure && !isHarmless(failure, isLocalName))
      notes.push(failure.sentence);
  }
  return notes;
}

function tlsNotes({ tls, get }: WayReport): string[] {
  if (tls === null) return [];
  const notes: string[] = [];
  const [own] = tls.chain;
  // Without a response the refusal is the failure itself.
  if (tls.refusal !== null && get !== null) notes.push(`The certificate is not accepted (${tls.refusal}).`);
  if (own?.daysLeft != null && own.daysLeft >= 0 && own.daysLeft < daysLeftMin)
    notes.push(`The certificate expires in ${own.daysLeft} ${own.daysLeft === 1 ? 'day' : 'days'}.`);
  if (tls.withoutName === 'other') notes.push('A client that sends no server name (SNI) gets another certificate.');
  if (tls.withoutName === 'refused') notes.push('A client that sends no server name (SNI) is refused.');
  return notes;
}

function httpNotes({ get, head, series }: WayReport): string[] {
  if (get === null || get.failure !== null) return [];
  const notes: string[] = [];
  if (head === null) notes.push('No connection could be made for HEAD, although GET had one.');
  else if (head.failure === null && head.status !== get.status)
    notes.push(`HEAD gets ${head.status} where GET gets ${get.status}.`);
  if (get.end === 'limit') notes.push(`The body was left unread after ${get.bytesReceived} bytes.`);
  if (get.end === 'unread') notes.push('The response is an event stream, and was not read to an end.');
  if (series !== null && series.requests > 1 && series.reused === 0 && get.end === 'complete')
    notes.push('No connection could be used again: each request needs a new one.');
  if (series !== null && series.stale > 0)
    notes.push(
      `The server ended ${series.stale} of ${series.reused} used connections as the next request came; each was repeated on a new one.`,
    );
  if (series !== null && series.statuses.length > 1)
    notes.push(`The status varies: ${series.statuses.map(({ status, count }) => `${count} × ${status}`).join(', ')}.`);
  return notes;
}

function writeNotes({ write }: WayReport): string[] {
  if (write === null) return [];
  const named: readonly (readonly [string, HttpReport])[] = [
    ['POST', write.post],
    ['GET with a header of 12 KiB', write.largeHeader],
    ['The WebSocket handshake', write.webSocket],
  ];
  return named.flatMap(([name, { failure }]) => (failure === null ? [] : [`${name} fails. ${failure.sentence}`]));
}
