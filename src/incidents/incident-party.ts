import { whoseOf } from '#failures/failure-texts.ts';
import type { Failure } from '#failures/failure.ts';
import type { Whose } from '#failures/shape.ts';
import type { CountedCause, IncidentSuspect } from '../core/live-incident.ts';
import { familyOfCause, isCause, isLoop, isNotHttp } from './failure-family.ts';
import { suspectsWith } from './suspect-traits.ts';

interface PartyFacts {
  readonly root: CountedCause['cause'];
  /** Of the requests that failed so, by whom their records name. */
  readonly parties: ReadonlyMap<Whose, number>;
  readonly suspects: readonly IncidentSuspect[];
  /** An endpoint of it answers in HTTP meanwhile. */
  readonly answersInHttp: boolean;
  /** Clients ask for paths that never were, in place of others. */
  readonly haveMoved?: boolean;
  /** Its responses have become late; clients that leave others after one time have set it too short. */
  readonly areLate?: boolean;
  /** The application that Candor runs at its upstream; null: none. */
  readonly application: string | null;
}

const ofOperator = suspectsWith('is_of_operator');
const ofClient = suspectsWith('is_of_client');
const ofApplication = suspectsWith('fills_gateway');

const isOfWaiting = (root: PartyFacts['root']): boolean =>
  root === 'late_response' || (isCause(root) && familyOfCause(root) === 'slow');

/** Whose fault an incident is. */
export function partyOf(facts: PartyFacts): Whose {
  const { root, parties, suspects, answersInHttp, haveMoved, areLate, application } = facts;
  const [suspect] = suspects;
  if (suspect !== undefined && ofOperator.has(suspect.name)) return 'operator';
  // Whoever waits for what has become late gives up at last.
  if (suspect?.name === 'client_timeout' && areLate === true) return 'application';
  if (suspect !== undefined && ofClient.has(suspect.name)) return 'client';
  if (suspect?.name === 'changed_responses' && haveMoved === true) return 'client';
  // What waits in vain does not know for what.
  if (suspect?.name === 'network' && isOfWaiting(root)) return 'network';
  const ofRequests = partyOfRequests();
  return ofRequests === 'gateway' && suspect !== undefined && ofApplication.has(suspect.name)
    ? 'application'
    : ofRequests;

  function partyOfRequests(): Whose {
    const [most] = [...parties].sort(([, a], [, b]) => b - a);
    if (most !== undefined) return most[0] === 'client' && isLoop(root) ? 'operator' : most[0];
    // Attempts have no record of their own.
    const isOfApplication = root === 'app_error' || root === 'late_response' || root === 'changed_response';
    if (isOfApplication || (isNotHttp(root) && answersInHttp)) return 'application';
    return whoseOf({ cause: root, evidence: {} } as Failure, application);
  }
}
