import type { LostRecord } from '../../src/core/record.ts';
import type { ExchangeRecord } from '../../src/core/schemas/record.ts';
import type { Entry } from './mixed-clients.ts';

/** One kind of outcome, counted by three parties. */
interface Row {
  /** In /metrics; null if they have no label for it. */
  readonly counters: number | null;
  /** In the lines of the log. */
  readonly log: number;
  /** By the clients. */
  readonly clients: number;
}

export interface Agreement {
  readonly rows: Readonly<Record<string, Row>>;
  readonly lost: { readonly recorded: number; readonly least: number; readonly most: number };
  readonly postsSeenTwice: number;
  /** The client left while the answer was on its way: the record decides how the exchange counts. */
  readonly crossed: number;
  /** The worker ended after the record had been sent, and before the whole answer had. */
  readonly notReceived: number;
  readonly broken: readonly string[];
  readonly examples: readonly string[];
}

interface Counted {
  readonly metrics: string;
  readonly log: { readonly exchanges: readonly ExchangeRecord[]; readonly lost: readonly LostRecord[] };
  readonly entries: readonly Entry[];
  /** How many times each request reached the origin. */
  readonly seen: ReadonlyMap<string, number>;
}

/** Requests in the quarter of a second for which a worker keeps its counts to itself. Its records are in shared memory at once. */
const unreportedMax = 25;

/** Whether the counters have more than the log, or fewer by more than lost workers took with them. */
function isUncounted({ counters, log }: Row, workersLost: number): boolean {
  const missing = log - (counters ?? log);
  return missing < 0 || missing > workersLost * unreportedMax;
}

/**
 * Whether the gateway's counters, its log and its clients agree on every request. An exchange is of one of these kinds:
 * answered, by class of its status; truncated; abandoned by its client. A request without a record is counted by the
 * `lost` records, or was never read.
 */
export function agree({ metrics, log, entries, seen }: Counted): Agreement {
  const counters = countersOf(metrics);
  const logged = tally(log.exchanges.map((record) => kindOfRecord(record)));
  const records = new Map(log.exchanges.map((record) => [record.id, record]));
  const examples: string[] = [];
  const known = entries.filter(({ id }) => records.has(id));
  for (const entry of known) {
    const record = records.get(entry.id) as ExchangeRecord;
    if (!agrees(entry, record))
      examples.push(`${describe(entry)}; the record: ${record.end}, ${record.status}, ${record.cause}`);
  }
  const clients = tally(known.map((entry) => kindOfEntry(entry, records.get(entry.id) as ExchangeRecord)));
  const rows: Record<string, Row> = {};
  for (const kind of new Set([...counters.keys(), ...logged.keys(), ...clients.keys()].toSorted())) {
    rows[kind] = { counters: counters.get(kind) ?? 0, log: logged.get(kind) ?? 0, clients: clients.get(kind) ?? 0 };
  }
  rows['POST'] = {
    counters: null,
    log: log.exchanges.filter(({ method }) => method === 'POST').length,
    clients: known.filter(({ method }) => method === 'POST').length,
  };
  const lost = lostOf(entries, records, log.lost, seen);
  const postsSeenTwice = entries.filter(({ id, method }) => method === 'POST' && (seen.get(id) ?? 0) > 1).length;
  const unexplained = entries.filter(({ id, disturbed }) => !disturbed && !records.has(id));
  examples.push(...unexplained.map(describe));
  const broken = [
    ...Object.entries(rows)
      .filter(([, row]) => isUncounted(row, log.lost.length) || row.log !== row.clients)
      .map(
        ([kind, row]) =>
          `${kind}: ${row.counters ?? '?'} by the counters, ${row.log} by the log, ${row.clients} by clients`,
      ),
    ...(examples.length > 0 ? [`client and record disagree on ${examples.length} requests`] : []),
    ...(records.size !== log.exchanges.length ? [`${log.exchanges.length - records.size} records are duplicates`] : []),
    ...(lost.recorded < lost.least || lost.recorded > lost.most
      ? [`the lost records count ${lost.recorded} exchanges; clients and origin count ${lost.least} to ${lost.most}`]
      : []),
    ...(postsSeenTwice > 0 ? [`${postsSeenTwice} POSTs reached the origin twice`] : []),
  ];
  const crossed = known.filter(({ id, kind }) => kind === 'left' && records.get(id)?.end !== 'abandoned').length;
  const notReceived = known.filter(
    (entry) => isNotReceived(entry) && records.get(entry.id)?.end !== 'truncated',
  ).length;
  return { rows, lost, postsSeenTwice, crossed, notReceived, broken, examples };
}

/** `2xx`, `5xx`, …, `cut`, `left`. */
function kindOfRecord({ end, status }: ExchangeRecord): string {
  if (end === 'truncated') return 'cut';
  if (end === 'abandoned') return 'left';
  return classOf(status);
}

/** As the counters have it: RFC 9110 §15 lets a recipient treat a status that it does not know as the first of its class, and one above 599 as 5xx. */
function classOf(status: number | null | undefined): string {
  return `${Math.min(5, Math.floor((status ?? 0) / 100))}xx`;
}

/**
 * In the client's view. A client that has left does not know whether the answer was on its way, and neither does a
 * client whose worker has ended: then the record decides.
 */
function kindOfEntry(entry: Entry, record: ExchangeRecord): string {
  const { kind, status } = entry;
  if (kind === 'answered') return classOf(status);
  if (kind === 'left' || isNotReceived(entry)) return kindOfRecord(record);
  return kind ?? 'unknown';
}

/** The worker ended before it had sent the answer, or the rest of it. */
function isNotReceived({ kind, disturbed }: Entry): boolean {
  return disturbed && (kind === 'lost' || kind === 'cut');
}

function agrees(entry: Entry, record: ExchangeRecord): boolean {
  const { kind, status } = entry;
  switch (kind) {
    case 'answered':
      return record.status === status && (record.end === 'forwarded' || record.end === 'generated');
    case 'cut':
      return record.end === 'truncated' || isNotReceived(entry);
    case 'left':
      return true;
    default:
      return isNotReceived(entry);
  }
}

function describe({ id, method, what, kind, status, note }: Entry): string {
  return `${id}: ${method} ${what}: the client: ${kind}, ${status}${note === '' ? '' : ` (${note})`}`;
}

function lostOf(
  entries: readonly Entry[],
  records: ReadonlyMap<string, ExchangeRecord>,
  lines: readonly LostRecord[],
  seen: ReadonlyMap<string, number>,
): Agreement['lost'] {
  const unrecorded = entries.filter(({ id, kind }) => !records.has(id) && kind !== 'refused' && kind !== 'unconnected');
  // The exchange has begun if the record or the origin knows of it, besides the client.
  const begun = unrecorded.filter(({ id, kind }) => seen.has(id) || kind === 'answered' || kind === 'cut');
  const recorded = lines.reduce((sum, { exchanges }) => sum + exchanges, 0);
  return { recorded, least: begun.length, most: unrecorded.length };
}

function tally(kinds: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const kind of kinds) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  return counts;
}

function countersOf(metrics: string): Map<string, number> {
  const counts = new Map<string, number>();
  for (const [, labels = '', count] of metrics.matchAll(/^candor_exchanges_total\{(.*)\} (\d+)$/gm)) {
    const label = (name: string): string => new RegExp(`${name}="([^"]*)"`).exec(labels)?.[1] ?? '';
    // Those of a lost worker have no record, and no route.
    if (label('route') === '' && label('cause') === 'gateway_fault') continue;
    const end = label('end');
    const kind = end === 'truncated' ? 'cut' : end === 'abandoned' ? 'left' : label('status_class');
    counts.set(kind, (counts.get(kind) ?? 0) + Number(count));
  }
  return counts;
}
