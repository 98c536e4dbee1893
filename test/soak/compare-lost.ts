import type { ExchangeRecord, LostRecord } from '../../src/core/record.ts';
import type { Sent } from './load-driver.ts';

/** What the `lost` records say, beside what clients and origin know of requests that have no record of their own. */
export interface LostFigures {
  /** By the `lost` records together. */
  readonly recorded: number;
  readonly records: number;
  /** No record, and the client got nothing or a part; the origin had it: these were under way. */
  readonly underWay: number;
  /** No record, and the client has its whole answer: they had ended, and their record had not left the worker. */
  readonly answered: number;
  /**
   * No record, no byte of an answer, and the origin never had it: sent to a worker that had not read it, or had not sent
   * it on. The client cannot know which; only the latter are exchanges.
   */
  readonly unread: number;
  /** A record tells of a whole answer, and the client did not get all of it: the worker ended right after it. */
  readonly recordedNotReceived: number;
  readonly broken: readonly string[];
}

/** Each request has one record, or is one of those that the `lost` records count. */
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
      ? [`the lost records tell of ${recorded} exchanges; clients and origin know of ${least} to ${most}`]
      : []),
    ...(twice > 0 ? [`${twice} exchanges were recorded twice`] : []),
    ...(strange > 0 ? [`${strange} records are of requests that nobody has sent`] : []),
  ];
  return { recorded, records: log.lost.length, underWay, answered, unread, recordedNotReceived, broken };
}
