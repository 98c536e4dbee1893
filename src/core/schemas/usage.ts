import * as z from 'zod';
import type { Named } from './inferred.ts';
import { count, nullableText, text, time } from './values.ts';

const amount = z.number().min(0);
const kind = z
  .enum(['instances', 'worker', 'job', 'build', 'storage'])
  .describe('The instances of the application, a worker, a job, what builds its releases, or its folders.');
const name = text.describe('Of the worker or job; empty of the others.');
const release = text.describe('Empty: it was never deployed.');
const cpuSource = z
  .enum(['group', 'times', 'waited', 'sampled'])
  .describe(
    'Where CPU time comes from: `group`: the control group of the program; `times`: its processes, with children that they have waited for; `waited`: what the kernel says at its end; `sampled`: the last sample.',
  );

export const usageNowSchema = z.object({
  at: time,
  rows: z
    .array(
      z.object({
        application: text,
        kind,
        name,
        release,
        cores: amount.nullable().describe('CPU seconds per second, of the last seconds; null: not known yet.'),
        memory_bytes: count.describe('Resident memory of its processes, added up; of storage: its size.'),
        processes: count,
        restarts: count.describe('In the last 24 hours.'),
        requests_per_s: amount.describe('Of the last ten seconds.'),
        errors_per_s: amount,
        bytes_out_per_s: amount,
        p50_ms: amount.nullable().describe('Of the last minute; null: there were no requests.'),
        p99_ms: amount.nullable(),
        programs: z.array(
          z.object({
            id: text.describe('`shop/1`, `shop.mail/1`'),
            pid: count,
            cores: amount.nullable(),
            memory_bytes: count,
            processes: count,
            cpu_source: cpuSource,
          }),
        ),
      }),
    )
    .describe('By application, kind, name and release.'),
});

export const usageSchema = z.object({
  step_s: count.describe('How long each step is: 60 or 3600.'),
  since: time.describe('When the first step begins.'),
  until: time,
  known_since: time.nullable().describe('Nothing is known of what was before; null: of nothing.'),
  series: z.array(
    z.object({
      application: text,
      kind,
      name,
      release,
      steps: z
        .array(
          z.object({
            at: time.describe('When the step began.'),
            cpu_s: amount.describe('CPU time in seconds.'),
            memory_bytes: amount.describe('The mean over the step; of storage: its size.'),
            memory_bytes_max: amount,
            run_s: amount.describe('How long its programs have run, added up.'),
            starts: count,
            restarts: count,
            requests: count,
            errors: count.describe('As in the timeline.'),
            bytes_in: count,
            bytes_out: count,
            p50_ms: amount.nullable(),
            p99_ms: amount.nullable(),
          }),
        )
        .describe('Those with something in them, the oldest first.'),
    }),
  ),
});

const unit = z.enum([
  'cpu_hour',
  'memory_gb_hour',
  'storage_gb_month',
  'bandwidth_out_gb',
  'million_requests',
  'request_hour',
]);

export const costSchema = z.object({
  since: time,
  until: time,
  measured_since: time.describe('Later than `since` if nothing is known of the time before.'),
  currency: nullableText.describe('Null: the configuration has no `prices`.'),
  fixed: z
    .object({
      price: amount.describe('A month.'),
      shared_by: z.enum(['cpu', 'memory', 'cpu_and_memory', 'requests']),
      cost: amount.describe('Of the time that was measured.'),
    })
    .nullable(),
  applications: z.array(
    z.object({
      application: text,
      items: z.array(
        z.object({
          unit,
          quantity: amount,
          price: amount.nullable().describe('Of one; null: it has none.'),
          cost: amount.nullable(),
        }),
      ),
      fixed: z.object({ share: amount, cost: amount }).nullable().describe('Its part of the fixed price.'),
      cost: amount.nullable().describe('Null: nothing has a price.'),
      parts: z.array(z.object({ kind, name, cpu_hours: amount, memory_gb_hours: amount })),
    }),
  ),
  total: amount.nullable(),
  forecasts: z
    .array(
      z.object({
        of: z.union([z.literal('cost'), unit]),
        month: text.describe('`2026-11`, in UTC.'),
        so_far: amount,
        expected: amount,
        low: amount,
        high: amount,
        assumptions: z.array(text),
      }),
    )
    .describe('Of the month that goes on; empty: too little is known.'),
});

/** What applications use now. */
export type UsageNow = Named<typeof usageNowSchema>;
/** What they have used, over time. */
export type UsageSeries = Named<typeof usageSchema>;
/** What that costs. */
export type CostAnswer = Named<typeof costSchema>;

/** What is asked of it, between two times in milliseconds since the Unix epoch. */
export interface UsageRequest {
  readonly since: number;
  readonly until: number;
  /** Null: minutes where they are kept and not too many, else hours. */
  readonly step: 'minute' | 'hour' | null;
  readonly application: string | null;
}
