import type { ClientClock, ClientRandom } from './client-clock.ts';

/** Above it, timers of platforms fire at once. */
const timerMsMax = 0x7fff_ffff;

export const systemClientClock: ClientClock = {
  now: () => performance.now(),
  wallTime: () => Date.now(),
  schedule(at, fire, subject) {
    let timer: ReturnType<typeof setTimeout> | undefined;
    // Timers of platforms may fire early: by a fraction of a millisecond, or by years where the delay does not fit.
    const look = (): void => {
      const left = Math.ceil(at - performance.now());
      if (left > 0 || timer === undefined) timer = setTimeout(look, Math.min(Math.max(0, left), timerMsMax));
      else fire(subject);
    };
    look();
    return { cancel: () => clearTimeout(timer) };
  },
};

export const systemClientRandom: ClientRandom = {
  next: () => Math.random(),
  fill: (target) => void crypto.getRandomValues(target as Uint8Array<ArrayBuffer>),
};
