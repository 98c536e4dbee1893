/**
 * How long a tunnel may be idle in both directions. An hour, since the gateway does not know its protocol: a chat may be silent
 * for long, and applications that need to know sooner whether the other end is alive send pings. A tunnel that is idle for an
 * hour is most likely forgotten, and holds a connection on both sides.
 */
export const tunnelIdleMs = 3_600_000;
