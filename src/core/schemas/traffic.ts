import * as z from 'zod';
import type { Named } from './inferred.ts';
import { type Shape, shapes } from '#failures/shape.ts';

const time = z.iso.datetime({ precision: 3 }).describe('ISO 8601, UTC.');
const count = z.int().min(0);

export const timelineSchema = z.object({
  step_s: count.describe('How long each step is: 1, 10 or 60.'),
  since: time,
  until: time,
  steps: z
    .array(
      z.object({
        at: time.describe('When the step began.'),
        requests: count,
        errors: count.describe('Responses 5xx, gRPC statuses of a server’s failure, and truncated ones.'),
        shapes: z.partialRecord(z.enum(shapes), count).describe('Requests by the shape of their failure.'),
        p50_ms: z.number().min(0).nullable(),
        p99_ms: z.number().min(0).nullable(),
      }),
    )
    .describe('Those that have ended and had requests, oldest first.'),
});

export const routeTimelinesSchema = z.object({
  step_s: count.describe('How long each step is: 1, 10 or 60.'),
  since: time.describe('When the first step begins.'),
  routes: z
    .array(
      z.object({
        id: z.string().describe('Empty: requests that matched no route.'),
        requests: z.array(count).describe('Of each step that has ended, the oldest first.'),
        errors: z.array(count).describe('As in the timeline.'),
      }),
    )
    .describe('In the order of the configuration; those of which the history is kept.'),
});

const settings = z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()]));

export const routeSchema = z.object({
  route: z.string().nullable().describe('Null: none matches, and the gateway answers 404.'),
  action: z.string().nullable().describe('`upstream`, or the key of the route that says how it answers by itself.'),
  upstream: z.string().nullable(),
  answer: settings
    .nullable()
    .describe('What it answers by itself, such as `status` and `location`. Null: an application answers.'),
  reason: z.string().describe('One sentence.'),
  candidates: z
    .array(z.object({ route: z.string(), matches: z.boolean(), reason: z.string() }))
    .describe('Routes in the order of the configuration up to the first that matches; at most the last 200 of them.'),
  overlay: z
    .array(z.string())
    .describe('What operators have changed at run time for this route or its upstream, one clause each.'),
  timeouts: z
    .object({
      dns_ms: z.number(),
      connect_ms: z.number(),
      tls_ms: z.number(),
      response_head_ms: z.number(),
      idle_ms: z.number(),
      exchange_ms: z.number().nullable(),
    })
    .nullable(),
  retry: settings.nullable().describe('How attempts are repeated. Null: it sends none.'),
  rewrite: settings
    .nullable()
    .describe(
      'What endpoints are asked in place of what the client asks, and what of their responses is changed for it. Null: it answers by itself.',
    ),
  headers: settings.nullable().describe('Which headers the gateway changes or writes, and CORS.'),
  access: settings.nullable().describe('Who may enter: how clients authenticate. Null: everybody may.'),
  limits: settings.nullable().describe('Sizes, queues and bounds of the route and of its upstream.'),
  programs: settings.nullable().describe('Where its requests find a program (`php`). Null: the route looks for none.'),
});

/** Which route a request would take, and why. */
export type RouteExplanation = Named<typeof routeSchema>;

/** Requests of each route over time. */
export type RouteTimelines = Named<typeof routeTimelinesSchema>;

/** Requests over time. */
export type TrafficTimeline = Omit<NamedTimeline, 'steps'> & { readonly steps: readonly TimelineStep[] };

type TimelineStep = Omit<NamedTimeline['steps'][number], 'shapes'> & {
  /** The keys are shapes, and stay as they are. */
  readonly shapes: Readonly<Partial<Record<Shape, number>>>;
};

type NamedTimeline = Named<typeof timelineSchema>;
