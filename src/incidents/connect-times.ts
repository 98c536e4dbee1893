import { SlidingSeconds } from './family-window.ts';
import type { EndpointOutcomes } from '../core/outcome.ts';

/** Connections take long to come about where they did not. */
export interface SlowConnects {
  readonly usualMs: number;
  readonly nowMs: number;
}

/** Of the new connections, those of which the first packet was sent again: it is lost on the way, or the application takes connections late. */
export interface ConnectsAgain {
  readonly connects: number;
  readonly again: number;
}

/** Fewer, or a smaller share, are chance. */
const againS = 30;
const againMin = 5;
const againShareMin = 0.05;

/** Seconds with new connections that are compared: before, and now. */
const usualS = 300;
const nowS = 10;
const secondsMin = 3;

/** The shortest time of a second is that of the way: it is so many times longer than usual, and so much. */
const times = 5;
const moreMs = 30;
/** A full queue of connections at the application drops the first packet, which is sent again after a second. */
const againMs = 900;

/** How long new connections to the endpoints of an upstream take to come about. It is the kernel's work at both ends, and so shows the network, not the application. */
export class ConnectTimes {
  /** Shortest time of each second, in tenths of a millisecond, plus 1. */
  readonly #seconds = new SlidingSeconds();
  /** What was usual before an incident, which may last longer than its seconds are kept. */
  #before: { readonly startSecond: number; readonly ms: number | null } | null = null;

  readonly #connects = new SlidingSeconds();
  readonly #again = new SlidingSeconds();

  add({ connectMsMin = Infinity, connects = 0, connectsAgain = 0 }: EndpointOutcomes, second: number): void {
    if (connects > 0) this.#connects.add(second, connects);
    if (connectsAgain > 0) this.#again.add(second, connectsAgain);
    if (connectMsMin === Infinity) return;
    const known = this.#seconds.at(second);
    const ms = Math.round(connectMsMin * 10) + 1;
    if (known === 0) this.#seconds.add(second, ms);
    else if (ms < known) this.#seconds.add(second, ms - known);
  }

  /** `startSecond`: when it may have begun. Null: connections take as long as ever, or too few were made. */
  slowSince(startSecond: number, second: number): SlowConnects | null {
    if (this.#before?.startSecond !== startSecond)
      this.#before = { startSecond, ms: this.#median(startSecond - usualS, startSecond - 2) };
    const [usual, now] = [this.#before.ms, this.#median(second - nowS, second)];
    if (usual === null || now === null || now < times * usual || now < usual + moreMs || now >= againMs) return null;
    return { usualMs: usual, nowMs: now };
  }

  /** Of the last seconds; null: too few. */
  sentAgain(second: number): ConnectsAgain | null {
    const [connects, again] = [this.#connects.sum(second, againS), this.#again.sum(second, againS)];
    return again < againMin || again < againShareMin * connects ? null : { connects, again };
  }

  /** Of the seconds after `from` up to `to`. */
  #median(from: number, to: number): number | null {
    const all: number[] = [];
    for (let second = from + 1; second <= to; second++) {
      const ms = this.#seconds.at(second);
      if (ms > 0) all.push((ms - 1) / 10);
    }
    return all.length < secondsMin ? null : (all.sort((a, b) => a - b)[Math.floor(all.length / 2)] as number);
  }
}
