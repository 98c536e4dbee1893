import type { AlertChannelSpec } from '../core/alert.ts';
import { after, type Clock } from '../core/time.ts';
import { type AlertChannel, type AlertMessage, refused, type SendResult } from './channel.ts';

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
