import type { Configuration } from '../core/configuration.ts';
import type { ExchangeCount, WorkerCounts } from '../core/counters.ts';
import type { EventSink } from '../core/event.ts';
import { type ExchangeRecord, recordVersion } from '../core/record.ts';
import type { Clock } from '../core/time.ts';
import { LastMinute } from '../record/last-minute.ts';
import { CounterTotals } from '../record/counters.ts';
import { parseRecord } from '../record/parse-record.ts';
import type { GatewayWatcher } from './gateway-status.ts';
import { DescriptorReport } from './descriptor-report.ts';
import type { ExchangeLog } from './exchange-log.ts';
import { FailureReport } from './failure-report.ts';
import type { FromWorker } from '../core/worker-messages.ts';
import { RecordLossReport } from './record-loss-report.ts';
import { RefusalReport } from './refusal-report.ts';
import type { WorkerLoss } from './worker-pool.ts';

export type WorkerBatch = Extract<FromWorker, { kind: 'batch' }>;

export interface WorkerReportsParts {
  readonly clock: Clock;
  readonly events: EventSink;
  readonly log: ExchangeLog;
  readonly startedWall: number;
  readonly processKey: string;
  readonly configuration: () => Configuration;
  /** Counts of all workers since the start. */
  readonly workers: () => readonly WorkerCounts[];
  readonly watcher: GatewayWatcher | null;
}

/** Handles the batches of the workers: counts exchanges, writes their records, and calls the watcher. */
export class WorkerReports {
  readonly #parts: WorkerReportsParts;
  readonly #totals = new CounterTotals();
  readonly #lastMinute: LastMinute;
  readonly #refusals: RefusalReport;
  readonly #descriptors: DescriptorReport;
  readonly #recordLosses: RecordLossReport;
  readonly #failures: FailureReport | null;

  constructor(parts: WorkerReportsParts) {
    this.#parts = parts;
    this.#lastMinute = new LastMinute(parts.clock);
    this.#refusals = new RefusalReport(parts.clock, parts.events);
    this.#descriptors = new DescriptorReport(parts.clock, parts.events);
    this.#recordLosses = new RecordLossReport(parts.clock, parts.events);
    const { watcher } = parts;
    this.#failures =
      watcher?.onFailures === undefined
        ? null
        : new FailureReport(parts.clock, (summary) => watcher.onFailures?.(summary));
  }

  get exchanges(): readonly ExchangeCount[] {
    return this.#totals.all();
  }

  get lastMinute(): LastMinute {
    return this.#lastMinute;
  }

  /** `done` is called once, when the bytes of the batch are no longer needed. */
  onBatch({ exchanges, outcomes, lines }: WorkerBatch, done: () => void): void {
    const { configuration, workers, log } = this.#parts;
    this.#totals.add(exchanges);
    this.#lastMinute.add(exchanges);
    this.#failures?.note(outcomes, exchanges);
    const counts = workers();
    this.#refusals.note(counts, configuration().client);
    this.#descriptors.note(counts);
    this.#recordLosses.note(counts);
    if (lines === null) return;
    this.#parts.watcher?.onRecords?.(lines);
    this.#showFailures(lines.bytes, lines.failed);
    log.append(lines, done);
  }

  /** No worker will report any more: writes the last reports. */
  close(): void {
    this.#recordLosses.close();
  }

  #showFailures(bytes: Uint8Array, failed: readonly number[]): void {
    const { watcher } = this.#parts;
    if (watcher?.onFailedExchange === undefined) return;
    for (let index = 0; index < failed.length; index += 2) {
      const line = Buffer.from(bytes.subarray(failed[index], failed[index + 1])).toString('latin1');
      const parsed = parseRecord(line);
      if ('record' in parsed) watcher.onFailedExchange(parsed.record as ExchangeRecord);
    }
  }

  /** Writes one `lost` line for all requests that a lost worker had in flight. */
  onWorkerLost({ worker, revision, exchangesUnrecorded: exchanges, unread, why }: WorkerLoss): void {
    if (exchanges === 0 && (unread ?? 0) === 0) return;
    const { clock, log, startedWall, processKey } = this.#parts;
    const { deployment, member, log: spec } = this.#parts.configuration();
    // A file has these in the header line of the process.
    const isInline = spec.path === '-';
    const at = new Date(clock.wallTime()).toISOString();
    const startedAt = new Date(startedWall).toISOString();
    log.appendLost({
      v: recordVersion,
      kind: 'lost',
      at,
      process: processKey,
      deployment: isInline ? deployment : null,
      member: isInline ? member : null,
      process_started_at: isInline ? startedAt : null,
      worker,
      revision,
      exchanges,
      unread_connections: unread,
      reason: why,
    });
  }
}
