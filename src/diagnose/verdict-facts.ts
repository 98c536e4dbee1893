import { countText } from '#failures/quantity-text.ts';
import type { ExchangeRecord } from '../core/schemas/record.ts';
import { endpointText } from './attempt-texts.ts';
import { endWords, tunnelEndedText, tunnelEndWords } from './record-words.ts';
import { deliveryWords, stageWords, whoseWords } from '#failures/failure-words.ts';

/** What a record says of how the exchange ended: a label and a sentence each. */
export function verdictFacts(record: ExchangeRecord): readonly (readonly [label: string, text: string])[] {
  const facts: [label: string, text: string][] = [];
  if (record.type !== null || record.cause !== null) facts.push(['type', typeText(record)]);
  // The name for searches; failures have their cause.
  else if (record.shape === 'app_error') facts.push(['shape', record.shape]);
  if (record.stage !== null) facts.push(['where', whereText(record)]);
  if (record.whose !== null) facts.push(['caused by', whoseWords[record.whose]]);
  if (record.shape !== 'none') facts.push(['executed?', executedText(record)]);
  if (record.tunnel !== undefined) facts.push(['ended', `${tunnelEndedText(record.tunnel)}.`]);
  facts.push(['response', responseText(record)], ['body', bodyText(record)]);
  return facts;
}

/** The type of RFC 9209, and Candor's cause, which docs/failures.md explains. */
function typeText({ type, cause }: ExchangeRecord): string {
  return [type, cause === null ? null : `cause ${cause}`].filter((part) => part !== null).join(', ');
}

function whereText(record: ExchangeRecord): string {
  const last = record.attempts.at(-1);
  const at = last === undefined ? '' : `, at ${endpointText(last, record.upstream)}`;
  if (record.kind === 'tunnel' && record.stage === 'body') return `while the tunnel was open${at}`;
  return `${record.stage === null ? '' : stageWords[record.stage]}${at}`;
}

function executedText({ delivery, shape }: ExchangeRecord): string {
  // Bytes that are not HTTP prove that a program answered, not that it understood the request.
  if (shape === 'garbage' && delivery === 'response_started') return 'Perhaps. The response does not show it.';
  return deliveryWords[delivery];
}

function responseText(record: ExchangeRecord): string {
  const received = record.received_status === null || record.received_status === record.status;
  const instead = received ? '' : `; the application had sent ${record.received_status}`;
  const end =
    record.status === null && record.end === 'truncated'
      ? 'the gateway ended the stream or the connection of the client'
      : (record.kind === 'tunnel' ? tunnelEndWords : endWords)[record.end];
  return `${record.status ?? 'none'}; ${end}${instead}`;
}

/** Body bytes without heads and framing, as the record counts them. */
function bodyText({ kind, bytes_in, bytes_out }: ExchangeRecord): string {
  const where = kind === 'tunnel' ? ', through the tunnel' : '';
  return `${countText(bytes_in, 'byte')} from the client, ${countText(bytes_out, 'byte')} to the client${where}`;
}
