import { stageBoundsMs } from '../../core/attempt-counts.ts';
import type { Clock } from '../../core/time.ts';
import { inTurns } from '../../core/turns.ts';
import type { Gateway } from '../gateway-status.ts';
import { labelText, type MetricsText } from './metrics-text.ts';

const responsesTotal = 'candor_endpoint_responses_total';
const stageDuration = 'candor_stage_duration_seconds';
const stageBoundsS: readonly number[] = stageBoundsMs.map((bound) => bound / 1000);

type AttemptCounts = Pick<ReturnType<Gateway['counts']>, 'responses' | 'stages'>;

/** What workers count of attempts: responses by endpoint, method and status, and the times of stages by upstream. */
export async function addAttemptMetrics(
  text: MetricsText,
  { responses, stages }: AttemptCounts,
  clock: Clock,
): Promise<void> {
  text.family(
    responsesTotal,
    'counter',
    'Attempts by endpoint, method and exact status of the response; status is none if no response came.',
  );
  await inTurns(responses, clock, ({ upstream, endpoint, method, status, count }) => {
    const labels = `upstream="${labelText(upstream)}",endpoint="${labelText(endpoint)}",method="${method}",status="${status === 0 ? 'none' : status}"`;
    text.add(`${responsesTotal}{${labels}} ${count}\n`);
  });
  text.family(
    stageDuration,
    'histogram',
    'How long the stages of an attempt took: queue, dns, connect, tls, send, wait (until the response begins), body; first_byte is from the begin of the exchange to the head of the response.',
  );
  await inTurns(stages, clock, ({ upstream, stage, cells, sumMs, exemplars }) => {
    const labels = `upstream="${labelText(upstream)}",stage="${stage}"`;
    const inSeconds = exemplars.map((one) => (one === null ? null : { ...one, value: one.ms / 1000 }));
    text.histogram(stageDuration, labels, stageBoundsS, { cells, sum: sumMs / 1000, exemplars: inSeconds });
  });
}
