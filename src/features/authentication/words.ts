import { featureWords, settingsOf } from '../feature-words.ts';
import { authenticationName, type AuthenticationSpec, type AuthenticationStatus, type KeysView } from './settings.ts';

export const authenticationWords = featureWords<AuthenticationStatus>({
  settings: settingsOf(
    authenticationName,
    ({ schemes, require: required, userHeader, groupsHeader }: AuthenticationSpec) => {
      const { users = null, groups = null, claims = null } = required ?? {};
      return {
        access: {
          authentication: schemes
            .map(({ name, believes }) => (believes === undefined ? name : `${name} by ${believes}`))
            .join(' or '),
          ...(users === null ? {} : { users: users.join(' ') }),
          ...(groups === null ? {} : { groups: groups.join(' ') }),
          ...(claims === null ? {} : { claims: Object.keys(claims).join(' ') }),
          ...(userHeader === null ? {} : { userHeader }),
          ...(groupsHeader === null ? {} : { groupsHeader }),
        },
      };
    },
  ),
  status: {
    title: 'AUTHENTICATION',
    rows: ({ authentication: views }) =>
      views.map(({ route, admitted, refused, keys }) => {
        const count = refused.reduce((sum, one) => sum + one.count, 0);
        const [most] = refused;
        const stale = keys.find(({ fault, ageS }) => fault !== null || ageS === null);
        const isBusy = refused.some(({ fault }) => fault === 'busy' || fault === 'unavailable');
        return {
          tone: isBusy || stale !== undefined ? 'warn' : 'good',
          cells: [`route ${route}`, `${admitted} admitted`, `${count} refused`],
          note: stale !== undefined ? keysNote(stale) : most === undefined ? '' : `mostly ${most.scheme} ${most.fault}`,
        };
      }),
  },
});

function keysNote({ ageS, fault }: KeysView): string {
  const why = fault === null ? '' : `: ${fault}`;
  return ageS === null
    ? `no public keys of the issuer${why}`
    : `public keys are ${Math.round(ageS / 60)} min old${why}`;
}
