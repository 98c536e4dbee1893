/**
 * How much of what is shared one address may take while other addresses use it too: what is left of it is a reserve, which goes to addresses
 * that have little of it. So one address cannot make all others wait, from however many connections and with however many requests.
 * Whoever is alone may have nearly all: a little is kept for another one that comes, since what the first one has may last for hours.
 *
 * Each worker knows what an address has in this worker. All workers together know how much is in use. An address that has little
 * in each worker has at most half of the reserve: with `max` 256, a reserve of a quarter and any number of workers, one address
 * gets 192 to 224.
 */

/** Of connections to an endpoint, and of requests in its queue while others use it: a quarter is left to others. Below 4 there is none to leave. `areSeveral`: others use it. */
export function connectionsReserve(max: number, areSeveral: boolean): number {
  return areSeveral ? Math.floor(max / 4) : reserveOfOne(max);
}

/** Of long-lived connections: half. */
export function longLivedReserve(max: number, areSeveral: boolean): number {
  return areSeveral ? Math.floor(max / 2) : reserveOfOne(max);
}

/** What an address that is alone leaves: with 256, 16. A load test misses no more, and a visitor who comes is served. */
function reserveOfOne(max: number): number {
  return Math.floor(max / 16);
}

/** Whether an address has so little, in one of `workers`, that it may take from a reserve. */
export function hasLittle(own: number, reserve: number, workers: number): boolean {
  return own < Math.max(1, Math.floor(reserve / (2 * workers)));
}
