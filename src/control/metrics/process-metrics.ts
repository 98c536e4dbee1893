import { loopDelayBoundsMs } from '../../core/thread-figures.ts';
import { threadCpuSeconds } from '../../system/system.ts';
import type { Gateway } from '../gateway-status.ts';
import type { Sample } from '../../core/metric-family.ts';
import type { MetricsText } from './metrics-text.ts';
import type { GatewayStatus } from '../../core/schemas/status.ts';

const loopDelay = 'candor_worker_event_loop_delay_seconds';
const loopDelayBoundsS: readonly number[] = loopDelayBoundsMs.map((bound) => bound / 1000);

type Threads = ReturnType<Gateway['counts']>['threads'];

/** The process: under the names that Prometheus' client libraries give it, and what its threads use. */
export function addProcessMetrics(text: MetricsText, status: GatewayStatus, threads: Threads): void {
  text.metric('candor_build_info', 'The version of the program and of Node; the value is 1.', [
    [{ version: status.version, node: process.version }, 1],
  ]);
  const { user, system } = process.cpuUsage();
  text.metric('process_cpu_seconds_total', 'Processor time of all threads of the process.', [
    [{}, (user + system) / 1e6],
  ]);
  text.metric('process_resident_memory_bytes', 'Resident memory of the process.', [[{}, process.memoryUsage.rss()]]);
  text.metric('process_start_time_seconds', 'When the process started, in seconds since the Unix epoch.', [
    [{}, Date.parse(status.startedAt) / 1000],
  ]);
  text.metric('candor_thread_cpu_seconds_total', 'Processor time of the main thread and of each worker.', [
    [{ thread: 'main' }, threadCpuSeconds()],
    ...threads.map(({ worker, figures }): Sample => [{ thread: `worker ${worker}` }, figures.cpuS]),
  ]);
  text.metric(
    'candor_worker_heap_bytes',
    'Memory in use in the heap of each worker.',
    threads.map(({ worker, figures }) => [{ worker: String(worker) }, figures.heapBytes]),
  );
  text.family(
    loopDelay,
    'histogram',
    'How late a timer fires in each worker, which is due four times a second: for so long its event loop was busy.',
  );
  for (const { worker, figures } of threads)
    text.histogram(loopDelay, `worker="${worker}"`, loopDelayBoundsS, {
      cells: figures.loopDelays,
      sum: figures.loopDelayMsSum / 1000,
    });
}
