/**
 * The default of `drain.timeout`: how long what is under way may take to end, wherever something is taken away under
 * it: the gateway stops, a listener goes, an instance is replaced. Most requests end within a second; a download may
 * take its time, but no release and no restart waits for ever.
 */
export const drainMs = 10_000;
