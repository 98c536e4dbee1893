import type { FeatureMessages } from '../../core/feature.ts';
import { mainFeature, type MainPart, type ScopedSpec } from '../main-feature.ts';
import { RouteCounts } from '../main-route-counts.ts';
import { signedLinksName, type SignedLinksReport, type SignedLinksSpec, type SignedLinksStatus } from './settings.ts';

class SignedLinksView implements MainPart<SignedLinksSpec> {
  #scopes: readonly ScopedSpec<SignedLinksSpec>[] = [];
  readonly #counts = new RouteCounts();

  use(scopes: readonly ScopedSpec<SignedLinksSpec>[]): void {
    this.#scopes = scopes;
    this.#counts.use(scopes);
  }

  onReports(reports: FeatureMessages, worker: number): void {
    this.#counts.onReports(reports, worker, (report) => (report as SignedLinksReport).counts);
  }

  onWorkerGone(worker: number): void {
    this.#counts.onWorkerGone(worker);
  }

  status(): SignedLinksStatus {
    return {
      signedLinks: this.#scopes.map(({ scope }) => {
        const counts = this.#counts.of(scope);
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
