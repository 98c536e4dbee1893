import { fail } from '#failures/failure.ts';
import type { Filter } from '../../core/filter.ts';
import { compileTemplate } from '../../core/template.ts';
import { respondFilter } from '../../filters/respond.ts';
import { type FeaturePart, workerFeature } from '../worker-feature.ts';
import { type AnswerSpec, respondName, type RespondSpec } from './settings.ts';

export const respond = workerFeature<RespondSpec, FeaturePart>({
  name: respondName,
  prepare: ({ id }, spec) => ({ hooks: { filters: ['closes' in spec ? closingFilter(id) : answering(spec)] } }),
});

function answering({ status, contentType, body, headers = [] }: AnswerSpec): Filter {
  const lines = headers.map(([name, value]) => [name, compileTemplate(value)] as const);
  return respondFilter(status, contentType, body, lines);
}

function closingFilter(route: string): Filter {
  const failure = fail('closed_by_route', 'route', { route });
  return { name: respondName, onRequestHead: () => failure };
}
