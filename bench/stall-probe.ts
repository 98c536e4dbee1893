import { monitorEventLoopDelay } from 'node:perf_hooks';
import { BroadcastChannel, isMainThread, threadId } from 'node:worker_threads';

/**
 * Loaded into each thread of a gateway by `--import`, for `reload-stall.ts`: measures how long the event loop of a thread does not
 * get its turn, and tells the parent process on demand.
 */
interface Said {
  readonly thread: number;
  readonly isMain: boolean;
  readonly longestMs: number;
}

const channel = new BroadcastChannel('event-loop-delay');
channel.unref();
const resolutionMs = 1;
const delay = monitorEventLoopDelay({ resolution: resolutionMs });
delay.enable();

const say = (): Said => ({ thread: threadId, isMain: isMainThread, longestMs: delay.max / 1e6 - resolutionMs });

if (isMainThread) {
  process.on('message', (order: 'begin' | 'say') => {
    channel.postMessage(order);
    if (order === 'begin') delay.reset();
    else process.send?.(say());
  });
  process.channel?.unref();
  channel.onmessage = ({ data }: MessageEvent) => {
    if (typeof data === 'object') process.send?.(data);
  };
} else {
  channel.onmessage = ({ data }: MessageEvent) => {
    if (data === 'begin') delay.reset();
    else if (data === 'say') channel.postMessage(say());
  };
}
