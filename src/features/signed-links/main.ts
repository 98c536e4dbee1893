import { mainFeature } from '../main-feature.ts';
import { RouteCounts } from '../main-route-counts.ts';
import { signedLinksName, type SignedLinksSpec, type SignedLinksStatus } from './settings.ts';

class SignedLinksView extends RouteCounts<SignedLinksSpec> {
  status(): SignedLinksStatus {
    return {
      signedLinks: this.scopes.map(({ scope }) => {
        const counts = this.countsOf(scope);
        const refused = counts.flatMap(([fault, count]) => (fault === 'admitted' ? [] : [{ fault, count }]));
        return { route: scope.id, admitted: new Map(counts).get('admitted') ?? 0, refused };
      }),
    };
  }
}

export const signedLinks = mainFeature<SignedLinksSpec, SignedLinksView, SignedLinksStatus>({
  name: signedLinksName,
  metrics: ({ signedLinks: views }) => [
    {
      name: 'candor_signed_links_admitted_total',
      help: 'Requests with a valid link (`signed_links`), by route.',
      samples: views.map(({ route, admitted }) => [{ route }, admitted]),
    },
    {
      name: 'candor_signed_links_refused_total',
      help: 'Requests that `signed_links` has refused, by route and what was wrong with the link.',
      samples: views.flatMap(({ route, refused }) =>
        refused.map(({ fault, count }) => [{ route, fault }, count] as const),
      ),
    },
  ],
  start: () => new SignedLinksView(),
});
