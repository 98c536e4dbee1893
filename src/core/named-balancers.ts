/**
 * The balancers that a configuration names by a word: how each picks an endpoint, and what other gateways call it, lowercase without hyphens and
 * underscores. Messages, the schema and the documents take their words from here.
 */
export const namedBalancers = {
  two_choices: {
    how: 'of two drawn at random, the one with fewer requests in flight',
    elsewhere: 'leastconn leastconnections leastrequest leastload p2c random randomchoose default',
  },
  round_robin: {
    how: 'one after the other, by weight',
    elsewhere: 'rr wrr weightedroundrobin staticrr',
  },
  peak_ewma: {
    how: 'of two drawn at random, the one where latency times requests in flight is lower',
    elsewhere: 'leasttime leastlatency ewma latency',
  },
} as const;

export type NamedBalancer = keyof typeof namedBalancers;

/** What a configuration that does not say has. */
export const defaultBalancer = 'two_choices';

export const balancerWords = Object.keys(namedBalancers) as NamedBalancer[];

/** Everything that `balance` takes, for messages. */
export const balanceChoices = `${balancerWords.join(', ')} or { hash: … }`;
