import { durationBoundsMs, type ExchangeCount } from '../../core/counters.ts';
import type { Clock } from '../../core/time.ts';
import { inTurns } from '../../core/turns.ts';
import { labelText, MetricsText } from './metrics-text.ts';

/** Upper bounds of the exported histogram. Workers count in finer cells, whose bounds include these. */
const metricBoundsMs = [1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000, 60_000] as const;

const metricBoundsS: readonly number[] = metricBoundsMs.map((bound) => bound / 1000);

/** For each cell of the workers its cell in the exported histogram. */
const metricCells: readonly number[] = durationBoundsMs.map((bound) => {
  const cell = metricBoundsMs.findIndex((metricBound) => metricBound >= bound);
  return cell === -1 ? metricBoundsMs.length : cell;
});

const total = 'candor_exchanges_total';
const grpc = 'candor_grpc_responses_total';
const bytes = 'candor_body_bytes_total';
const duration = 'candor_exchange_duration_seconds';

interface ByteSum {
  readonly labels: string;
  bytesIn: number;
  bytesOut: number;
}

interface DurationSum {
  readonly labels: string;
  readonly cells: number[];
  sumMs: number;
}

/** Adds the counts of exchanges. With thousands of routes this is most of a scrape: it is written in turns of the event loop. */
export async function addExchangeMetrics(
  parts: MetricsText,
  counts: readonly ExchangeCount[],
  clock: Clock,
): Promise<void> {
  const totals = new Map<string, number>();
  const grpcSums = new Map<string, number>();
  const byteSums = new Map<string, ByteSum>();
  const durationSums = new Map<string, DurationSum>();
  await inTurns(counts, clock, (one) => {
    const route = `route="${labelText(one.route)}",upstream="${labelText(one.upstream)}"`;
    const labels = `${route},status_class="${one.statusClass}",shape="${one.shape}",cause="${one.cause}",end="${one.end}"`;
    addCount(totals, labels, one);
    if (one.grpcStatus !== null) addCount(grpcSums, `${route},grpc_status="${one.grpcStatus}"`, one);
    addBytes(byteSums, route, one);
    addDuration(durationSums, `${route},status_class="${one.statusClass}"`, one);
  });
  parts.family(
    total,
    'counter',
    'Exchanges by how they ended. shape is one of the four shapes of failure, or another word if none fits.',
  );
  await inTurns(totals, clock, ([labels, count]) => parts.add(`${total}{${labels}} ${count}\n`));
  if (grpcSums.size > 0)
    parts.family(grpc, 'counter', 'gRPC responses by their grpc-status, those of the gateway itself included.');
  await inTurns(grpcSums, clock, ([labels, count]) => parts.add(`${grpc}{${labels}} ${count}\n`));
  parts.family(bytes, 'counter', 'Bytes of bodies, without heads and framing.');
  await inTurns(byteSums.values(), clock, ({ labels, bytesIn, bytesOut }) => {
    parts.add(`${bytes}{${labels},direction="in"} ${bytesIn}\n${bytes}{${labels},direction="out"} ${bytesOut}\n`);
  });
  parts.family(duration, 'histogram', 'From the first byte of the request to the last of the response.');
  await inTurns(durationSums.values(), clock, ({ labels, cells, sumMs }) =>
    parts.histogram(duration, labels, metricBoundsS, { cells, sum: sumMs / 1000 }),
  );
}

function addCount(sums: Map<string, number>, labels: string, { count }: ExchangeCount): void {
  sums.set(labels, (sums.get(labels) ?? 0) + count);
}

function addBytes(sums: Map<string, ByteSum>, labels: string, { bytesIn, bytesOut }: ExchangeCount): void {
  const sum = sums.get(labels);
  if (sum === undefined) sums.set(labels, { labels, bytesIn, bytesOut });
  else {
    sum.bytesIn += bytesIn;
    sum.bytesOut += bytesOut;
  }
}

function addDuration(sums: Map<string, DurationSum>, labels: string, one: ExchangeCount): void {
  let sum = sums.get(labels);
  if (sum === undefined) {
    sum = { labels, cells: Array.from({ length: metricBoundsMs.length + 1 }, () => 0), sumMs: 0 };
    sums.set(labels, sum);
  }
  for (let cell = 0; cell < one.durations.length; cell++) {
    const metricCell = metricCells[cell] ?? metricBoundsMs.length;
    sum.cells[metricCell] = (sum.cells[metricCell] ?? 0) + (one.durations[cell] ?? 0);
  }
  sum.sumMs += one.durationMsSum;
}
