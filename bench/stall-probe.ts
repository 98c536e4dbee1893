import { BroadcastChannel, isMainThread, threadId, threadName } from 'node:worker_threads';
import type { ThreadStall } from './stall-report.ts';

/**
 * Loaded into each thread of a gateway by `--import`, for `stalls.ts`. Measures how long the event loop of a thread does not get
 * its turn, in time and in CPU time of the thread, and sends both to the parent process on demand. Time includes waiting for a
 * core; CPU time does not.
 */
const intervalMs = 1;

/** A gap of this length or less is that of the timer itself. */
const ordinaryGapMs = 2.5;

/** A turn that takes so much CPU time is one that clients notice. */
const longCpuMs = 4;

const channel = new BroadcastChannel('event-loop-stalls');
channel.unref();
const sleeper = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));

let longestMs = 0;
let longestCpuMs = 0;
let longTurns = 0;
let lastAt = performance.now();
let lastCpuMs = cpuMs();
let beganCpuMs = lastCpuMs;

function cpuMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

/** The system brings the figure up to date at each tick of some milliseconds, and when a thread pauses. */
function exactCpuMs(): number {
  Atomics.wait(sleeper, 0, 0, 0.01);
  return cpuMs();
}

function measure(): void {
  const gapMs = performance.now() - lastAt;
  const isLong = gapMs > ordinaryGapMs;
  const nowCpuMs = isLong ? exactCpuMs() : cpuMs();
  if (isLong) {
    longestMs = Math.max(longestMs, gapMs - intervalMs);
    const turnCpuMs = Math.min(gapMs, nowCpuMs - lastCpuMs);
    longestCpuMs = Math.max(longestCpuMs, turnCpuMs);
    if (turnCpuMs > longCpuMs) longTurns++;
  }
  [lastAt, lastCpuMs] = [performance.now(), nowCpuMs];
}

setInterval(measure, intervalMs).unref();

function begin(): void {
  [longestMs, longestCpuMs, longTurns, beganCpuMs] = [0, 0, 0, cpuMs()];
}

function report(): ThreadStall {
  measure();
  const used = cpuMs() - beganCpuMs;
  return { thread: threadId, isMain: isMainThread, longestMs, longestCpuMs, longTurns, cpuMs: used };
}

if (isMainThread) {
  process.on('message', (order: 'begin' | 'report') => {
    channel.postMessage(order);
    if (order === 'begin') begin();
    else process.send?.(report());
  });
  process.channel?.unref();
  channel.onmessage = ({ data }: MessageEvent) => {
    if (typeof data === 'object') process.send?.(data);
  };
} else if (threadName?.startsWith('candor worker') === true) {
  channel.onmessage = ({ data }: MessageEvent) => {
    if (data === 'begin') begin();
    else if (data === 'report') channel.postMessage(report());
  };
}
