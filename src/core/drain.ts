/**
 * The default of `drain.timeout`: how long what is under way may take to end, wherever something is taken away under
 * it: the gateway stops, a listener goes, an instance is replaced. Most requests end within a second; a download may
 * take its time, but no release and no restart waits for ever.
 */
export const drainMs = 10_000;

/**
 * Where a successor listens on the same ports, a connection in use sends its next request within this time and learns from
 * the response that it is the last. A connection that nothing uses in this time is closed.
 */
export const lastRequestMs = 5000;
