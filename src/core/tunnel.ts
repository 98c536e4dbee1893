/**
 * How long a tunnel may rest: nothing sent either way. An hour, since what is inside is not ours to know: a chat may say
 * nothing for long, and applications that want to know sooner whether the other end lives send pings of their own. What
 * nobody has used for an hour is most likely forgotten, and holds a connection on both sides.
 */
export const tunnelIdleMs = 3_600_000;
