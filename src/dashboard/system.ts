/** The real clock of the page. Nothing else in the dashboard asks for the time or starts timers. */
export interface PageClock {
  /** Milliseconds since the Unix epoch. */
  wallTime(): number;
  /** Calls back once after `ms`, unless the returned function is called before. */
  after(ms: number, callback: () => void): () => void;
}

export const pageClock: PageClock = {
  wallTime: () => Date.now(),
  after: (ms, callback) => {
    const timer = setTimeout(callback, ms);
    return () => clearTimeout(timer);
  },
};
