import type { LostRecord } from '../../src/core/record.ts';
import type { ExchangeRecord } from '../../src/core/schemas/record.ts';
import type { Sent } from './load-driver.ts';

/** The `lost` records, beside the observations of clients and origin on requests without a record of their own. */
export interface LostFigures {
  /** The sum of the `lost` records. */
  readonly recorded: number;
  readonly records: number;
  /** No record, and the client got nothing or a part; the origin had the request: it was in flight. */
  readonly underWay: number;
  /** No record, and the client has its complete answer: the exchange had ended, and its record had not been sent. */
  readonly answered: number;
  /**
   * No record, no byte of an answer, and the origin never had the request. The worker had not read it, or had not
   * forwarded it; only the latter is an exchange, and the client cannot distinguish them.
   */
  readonly unread: number;
  /** The record has a complete answer, and the client did not get all of it: the worker ended right after the record. */
  readonly recordedNotReceived: number;
  readonly broken: readonly string[];
}

/** Each request has one record, or is counted by a `lost` record. */
export function compareLost(
  sent: readonly Sent[],
  seen: ReadonlyMap<string, number>,
  log: { readonly exchanges: readonly ExchangeRecord[]; readonly lost: readonly LostRecord[] },
): LostFigures {
  const records = new Map<string, number>();
  for (const { id } of log.exchanges) records.set(id, (records.get(id) ?? 0) + 1);
  const unrecorded = sent.filter(({ id, kind }) => !records.has(id) && kind !== 'refused' && kind !== 'unconnected');
  const answered = unrecorded.filter(({ kind }) => kind === 'answered').length;
  const unread = unrecorded.filter(({ id, kind }) => kind === 'lost' && !seen.has(id)).length;
  const underWay = unrecorded.length - answered - unread;
  const recorded = log.lost.reduce((sum, { exchanges }) => sum + exchanges, 0);
  const forwarded = new Set(log.exchanges.filter(({ end }) => end === 'forwarded').map(({ id }) => id));
  const recordedNotReceived = sent.filter(({ id, kind }) => kind !== 'answered' && forwarded.has(id)).length;
  const twice = [...records.values()].filter((count) => count > 1).length;
  const known = new Set(sent.map(({ id }) => id));
  const strange = log.exchanges.filter(({ id }) => !known.has(id)).length;
  const least = underWay + answered;
  const most = least + unread;
  const broken = [
    ...(recorded < least || recorded > most
      ? [`the lost records count ${recorded} exchanges; clients and origin count ${least} to ${most}`]
      : []),
    ...(twice > 0 ? [`${twice} exchanges were recorded twice`] : []),
    ...(strange > 0 ? [`${strange} records are of requests that no client has sent`] : []),
  ];
  return { recorded, records: log.lost.length, underWay, answered, unread, recordedNotReceived, broken };
}
