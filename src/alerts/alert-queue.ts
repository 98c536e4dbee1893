import type { Alert, AlertTargetSpec, AlertChannelSpec } from '../core/alert.ts';
import type { AlertTargetStatus } from '../core/schemas/alerts.ts';
import type { EventSink } from '../core/event.ts';
import type { Random } from '../core/random.ts';
import { after, type Clock, type Instant, type Timer } from '../core/time.ts';
import { backoffMs } from '../policy/retry-backoff.ts';
import { type AlertChannel, type SendResult, type AlertMessage, refused } from './channel.ts';

/** For a connection, TLS and an answer. */
const sendMs = 10_000;

/** One attempt, which ends in time. Never rejects. */
export async function sendWithin(
  channel: AlertChannel,
  message: AlertMessage,
  spec: AlertChannelSpec,
  clock: Clock,
  controller: AbortController,
): Promise<SendResult> {
  const limitMs = spec.type === 'command' ? spec.timeoutMs : sendMs;
  const late = Object.assign(new Error('no answer in time'), { code: 'ABORT_ERR' });
  const timer = clock.schedule(after(clock.now(), limitMs), () => controller.abort(late), undefined);
  try {
    return await channel.send(message, controller.signal);
  } catch {
    return refused('the message could not be made', 'Report this as a defect of Candor.', {
      isRetriable: false,
      exchange: [],
    });
  } finally {
    timer.cancel();
  }
}

/** A message that is to be sent. Times are wall times: they survive the process. */
export interface QueuedAlert {
  readonly alert: Alert;
  readonly dueAt: number;
  readonly attempts: number;
}

interface AlertQueueParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly events: EventSink;
  readonly linkOf: (alert: Alert) => string | null;
  /** The queue has changed, and may be written to the disk. */
  readonly onChange: () => void;
}

/** An hour of messages about things that change each minute; each has a few KiB. */
const queuedMax = 100;

/** A message that is older is of no use: people have found out, or it is over. */
const giveUpMs = 3_600_000;

const backoff = { baseMs: 2000, maxMs: 300_000 };

/** A service that asks for more is tried all the same: the message may have been given up by then. */
const retryAfterMaxMs = 600_000;

/** A timer that waits longer is set again, as the wall clock may jump. */
const waitMaxMs = 60_000;

/** The messages of one target, sent one after the other. A target that fails gets its next attempt later; others are not affected. */
export class AlertQueue {
  #target: AlertTargetSpec;
  #channel: AlertChannel;
  readonly #parts: AlertQueueParts;
  #queue: QueuedAlert[];
  #retryAt: Instant | null = null;
  #timer: Timer | null = null;
  #sending: AbortController | null = null;
  #isClosed = false;
  #sent = 0;
  #tests = 0;
  #failed = 0;
  #lastSentAt: number | null = null;
  #failure: { readonly result: SendResult; readonly since: number } | null = null;

  constructor(
    target: AlertTargetSpec,
    channel: AlertChannel,
    parts: AlertQueueParts,
    queue: readonly QueuedAlert[] = [],
  ) {
    this.#target = target;
    this.#channel = channel;
    this.#parts = parts;
    this.#queue = [...queue];
    this.#schedule();
  }

  get target(): AlertTargetSpec {
    return this.#target;
  }

  get channel(): AlertChannel {
    return this.#channel;
  }

  /** Messages that wait, or are being sent. */
  get waiting(): readonly QueuedAlert[] {
    return this.#queue;
  }

  /** After a reload. What waits is sent to the new channel, at once. */
  use(target: AlertTargetSpec, channel: AlertChannel): void {
    this.#target = target;
    this.#channel = channel;
    this.retryNow();
  }

  /** The wall clock has moved by `ms`. What waits is due after as long as before. */
  clockChanged(ms: number): void {
    this.#queue = this.#queue.map((one) => ({ ...one, dueAt: one.dueAt + ms }));
    if (this.#failure !== null) this.#failure = { ...this.#failure, since: this.#failure.since + ms };
    this.#parts.onChange();
    this.#schedule();
  }

  /** Its target may work again: what waits for the next attempt is sent at once. */
  retryNow(): void {
    this.#retryAt = null;
    this.#schedule();
  }

  /** `due`: not before this wall time, and not before earlier messages about the same thing. */
  add(alert: Alert, due: number): void {
    // A thing that is worse or over makes a message that it has grown needless.
    this.#queue = this.#queue.filter((one, at) => this.#isSending(at) || !isReplaced(one.alert, alert));
    const earlier = this.#queue.filter(({ alert: { key } }) => key === alert.key);
    const dueAt = Math.max(due, ...earlier.map((one) => one.dueAt));
    this.#queue.push({ alert, dueAt, attempts: 0 });
    if (this.#queue.length > queuedMax) this.#dropOne();
    this.#parts.onChange();
    this.#schedule();
  }

  /** The end of a thing that has come again is not reported, if no attempt to do so was made. */
  withdraw(key: string): void {
    this.#queue = this.#queue.filter(
      ({ alert, attempts }, at) =>
        this.#isSending(at) || attempts > 0 || alert.key !== key || alert.change !== 'resolved',
    );
    this.#parts.onChange();
    this.#schedule();
  }

  /** What waits about a thing waits until `dueAt`, a wall time; its end does not. */
  hold(key: string, dueAt: number): void {
    this.#queue = this.#queue.map((one, at) =>
      one.alert.key === key && one.alert.change !== 'resolved' && !this.#isSending(at) ? { ...one, dueAt } : one,
    );
    this.#parts.onChange();
    this.#schedule();
  }

  /** Changes the first message about a thing that has not been sent yet, which waits for no more. */
  complete(key: string, change: (alert: Alert) => Alert): void {
    const dueAt = this.#parts.clock.wallTime();
    const isMeant = ({ alert, attempts }: QueuedAlert): boolean =>
      alert.key === key && alert.change === 'opened' && attempts === 0;
    this.#queue = this.#queue.map((one, at) =>
      isMeant(one) && !this.#isSending(at) ? { ...one, alert: change(one.alert), dueAt } : one,
    );
    this.#parts.onChange();
    this.#schedule();
  }

  get status(): AlertTargetStatus {
    const { id, channel } = this.#target;
    const time = (wallTime: number): string => new Date(wallTime).toISOString();
    const { clock } = this.#parts;
    const failure =
      this.#failure === null
        ? null
        : {
            reason: this.#failure.result.reason,
            nextStep: this.#failure.result.nextStep,
            since: time(this.#failure.since),
            retryAt: this.#retryAt === null ? null : time(clock.wallTime() + Math.max(0, this.#retryAt - clock.now())),
          };
    return {
      id,
      type: channel.type,
      destination: this.#channel.destination,
      queued: this.#queue.length,
      sent: this.#sent,
      tests: this.#tests,
      failed: this.#failed,
      lastSentAt: this.#lastSentAt === null ? null : time(this.#lastSentAt),
      failure,
    };
  }

  /** Its target has accepted a test, past the queue: what waits for the next attempt is sent at once. */
  noteTest(): void {
    this.#tests += 1;
    this.retryNow();
  }

  /** What has not been accepted stays in `waiting`. */
  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
    this.#sending?.abort();
  }

  /** The message that is being sent is the first one. */
  #isSending(at: number): boolean {
    return at === 0 && this.#sending !== null;
  }

  #dropOne(): void {
    const from = this.#sending === null ? 0 : 1;
    const grown = this.#queue.findIndex(({ alert }, at) => at >= from && alert.change === 'grown');
    const [dropped] = this.#queue.splice(grown === -1 ? from : grown, 1);
    if (dropped === undefined) return;
    const reason = `more than ${queuedMax} messages wait for the target ${this.#target.id}`;
    this.#giveUp(dropped, { reason, nextStep: this.#failure?.result.nextStep ?? '' });
  }

  #schedule(): void {
    if (this.#isClosed || this.#sending !== null) return;
    this.#timer?.cancel();
    this.#timer = null;
    const { clock } = this.#parts;
    // The earliest first; those that are due at the same time in their order.
    this.#queue.sort((a, b) => a.dueAt - b.dueAt);
    const [next] = this.#queue;
    if (next === undefined) return;
    const waitMs = Math.min(waitMaxMs, Math.max(0, next.dueAt - clock.wallTime()));
    const at = Math.max(after(clock.now(), waitMs), this.#retryAt ?? 0) as Instant;
    this.#timer = clock.schedule(at, AlertQueue.#due, this as AlertQueue);
  }

  static #due(this: void, queue: AlertQueue): void {
    queue.#timer = null;
    const [next] = queue.#queue;
    if (next !== undefined && next.dueAt <= queue.#parts.clock.wallTime()) void queue.#send(next);
    else queue.#schedule();
  }

  async #send(next: QueuedAlert): Promise<void> {
    const { clock, linkOf } = this.#parts;
    const startedAt = clock.now();
    this.#sending = new AbortController();
    const message = { alert: next.alert, link: linkOf(next.alert) };
    const result = await sendWithin(this.#channel, message, this.#target.channel, clock, this.#sending);
    this.#sending = null;
    if (this.#isClosed) return;
    const attempts = next.attempts + 1;
    if (result.ok) this.#onSent(next, attempts, clock.now() - startedAt);
    else this.#onFailed({ ...(this.#queue[0] ?? next), attempts }, result);
    this.#parts.onChange();
    this.#schedule();
  }

  #onSent({ alert }: QueuedAlert, attempts: number, tookMs: number): void {
    const { clock, events } = this.#parts;
    const { id, channel } = this.#target;
    this.#queue.shift();
    this.#sent += 1;
    this.#lastSentAt = clock.wallTime();
    this.#failure = null;
    this.#retryAt = null;
    events.emit({
      kind: 'alert_sent',
      subject: `alert:${id}`,
      reason: `the target ${id} accepted an alert: ${alert.title}`,
      evidence: { target: id, type: channel.type, alert: alert.key, attempts, tookMs: Math.round(tookMs) },
    });
  }

  #onFailed(tried: QueuedAlert, result: SendResult): void {
    const { clock, random } = this.#parts;
    this.#failure = { result, since: this.#failure?.since ?? clock.wallTime() };
    if (!result.isRetriable || clock.wallTime() - tried.dueAt >= giveUpMs) {
      this.#queue.shift();
      this.#retryAt = null;
      return this.#giveUp(tried, result);
    }
    this.#queue[0] = tried;
    const asked = result.retryAfterMs === null ? null : Math.min(retryAfterMaxMs, result.retryAfterMs);
    const facts = { attemptsMade: tried.attempts, elsewhere: false, retryAfterMs: asked, random: random.next() };
    const retryMs = Math.round(backoffMs(backoff, facts));
    this.#retryAt = after(clock.now(), retryMs);
    if (tried.attempts === 1) this.#report(tried, result, 'retrying', retryMs);
  }

  #giveUp(queued: QueuedAlert, why: Pick<SendResult, 'reason' | 'nextStep'>): void {
    this.#failed += 1;
    this.#report(queued, why, 'given_up', null);
  }

  #report(
    { alert, attempts }: QueuedAlert,
    { reason, nextStep }: Pick<SendResult, 'reason' | 'nextStep'>,
    to: 'retrying' | 'given_up',
    retryMs: number | null,
  ): void {
    const { id, channel } = this.#target;
    const what = to === 'retrying' ? 'an alert is sent again' : 'an alert was given up';
    this.#parts.events.emit({
      kind: 'alert_failed',
      subject: `alert:${id}`,
      to,
      reason: `${what} (${alert.title}): ${reason}`,
      evidence: { target: id, type: channel.type, alert: alert.key, attempts, fix: nextStep, retryMs },
    });
  }
}

/** What is worse, or over, makes needless that it has grown; its end also another cause, which it names too. */
function isReplaced(waiting: Alert, by: Alert): boolean {
  if (waiting.key !== by.key) return false;
  if (waiting.change === 'corrected') return by.change === 'resolved';
  return waiting.change === 'grown' && by.change !== 'opened';
}
