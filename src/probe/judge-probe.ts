import type { FaultyLayer, HttpReport, ProbeVerdict, WayReport } from './probe-report.ts';
import { outcomeOf, type WayOutcome, deadAddress, isHarmless } from './way-outcome.ts';

/** Which layer fails, from what came on both ways. A pure function: the same reports get the same verdict. */
export function judgeProbe(direct: WayReport, gateway: WayReport | null): ProbeVerdict {
  const own = outcomeOf(direct);
  const notes = [...notesOf('', direct), ...(gateway === null ? [] : notesOf('Through the gateway: ', gateway))];
  if (gateway === null) return alone(own, notes);
  const other = outcomeOf(gateway);
  if (own.works && other.works) return bothWork(direct, gateway, own, notes);
  if (own.works) return verdict(other, gatewayLayer(other), `${gatewayLead(other)} ${other.sentence}`, notes);
  if (other.works) {
    const sentence = `Only the direct way fails: through the gateway the response is ${other.status}. ${own.sentence}`;
    return verdict(own, 'direct', sentence, notes, directStep);
  }
  const reaction = other.answeredBy === null ? other.sentence : `Through the gateway the response is ${other.status}.`;
  return verdict(own, 'application', `The direct way fails too. ${own.sentence} ${reaction}`, notes);
}

const directStep =
  'Compare the two addresses: a firewall may let only the gateway through, or the gateway uses another endpoint or a cache.';

function alone(own: WayOutcome, notes: readonly string[]): ProbeVerdict {
  if (own.works) return working(`It works: the response is ${own.status}.`, notes);
  return verdict(own, own.answeredBy === 'gateway' ? 'gateway' : 'application', own.sentence, notes);
}

function bothWork(direct: WayReport, gateway: WayReport, own: WayOutcome, notes: readonly string[]): ProbeVerdict {
  const [one, other] = [direct.get, gateway.get];
  const status = other?.status ?? 0;
  if (one?.status === other?.status) return working(`Both ways work: the response is ${own.status}.`, notes);
  const differ = `The response is ${one?.status} directly and ${status} through the gateway.`;
  if ((one?.status ?? 0) >= 300) {
    return working(`${status < 300 ? 'The gateway works.' : 'Both ways answer.'} ${differ}`, [
      ...notes,
      'The direct request may need the Host header of the gateway: `--host`.',
    ]);
  }
  if (status < 300) return working(`Both ways work. ${differ}`, notes);
  const location = locationOf(other);
  const isRedirect = status < 400 && location !== null;
  return {
    works: false,
    layer: other?.author?.isGateway === true || isRedirect ? 'gateway' : 'between',
    stage: 'response',
    shape: 'none',
    cause: null,
    sentence: isRedirect ? `${differ} It leads to ${location}.` : differ,
    nextStep: isRedirect
      ? 'Probe the URL that the redirect leads to.'
      : 'Compare the Host header and the path that the gateway sends to the application, and who may use this route.',
    notes,
  };
}

function locationOf(report: HttpReport | null): string | null {
  return report?.headers.find(({ name }) => name === 'location')?.value ?? null;
}

/** The direct way works, and this comes of the way through the gateway. */
function gatewayLayer({ shape, stage, answeredBy }: WayOutcome): FaultyLayer {
  if (answeredBy === null) return stage === 'body' ? 'between' : 'gateway';
  return shape === 'refused_by_gateway' || shape === 'client_abort' ? 'gateway' : 'between';
}

function gatewayLead(other: WayOutcome): string {
  switch (gatewayLayer(other)) {
    case 'between':
      return 'The application works, and the gateway fails to use it.';
    default:
      return other.answeredBy === null
        ? 'The application works, and the gateway itself cannot be used.'
        : 'The application works, and the gateway refuses the request by itself.';
  }
}

function working(sentence: string, notes: readonly string[]): ProbeVerdict {
  return { works: true, layer: null, stage: null, shape: 'none', cause: null, sentence, nextStep: null, notes };
}

function verdict(
  { stage, shape, cause, nextStep }: WayOutcome,
  layer: FaultyLayer,
  sentence: string,
  notes: readonly string[],
  step = nextStep ?? steps[layer],
): ProbeVerdict {
  return { works: false, layer, stage, shape, cause, sentence, nextStep: step, notes };
}

const steps: Readonly<Record<FaultyLayer, string>> = {
  application: 'Look into the log of the application at this time.',
  gateway: 'Look into the configuration and the log of the gateway at this time.',
  between:
    'Probe the address that the gateway uses from the machine of the gateway, and look into its error log at this time.',
  direct: directStep,
};

/** A certificate that is renewed automatically is renewed before this. */
const daysLeftMin = 14;

/** What is worth knowing of a way beside its outcome. `lead` says which way it is. */
function notesOf(lead: string, way: WayReport): readonly string[] {
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
