/**
 * The default of `drain.timeout`: how long requests in flight may take to finish when the gateway stops, a listener is removed
 * or an instance is replaced. Most requests finish within a second. A download may take longer, but no release and no
 * restart waits forever.
 */
export const drainMs = 10_000;

/**
 * If a successor listens on the same ports, a connection in use sends its next request within this time and learns from
 * the response that it is the last. A connection that nothing uses in this time is closed.
 */
export const lastRequestMs = 5000;
