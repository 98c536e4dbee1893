import { whoseOf } from '#failures/failure-texts.ts';
import type { Failure } from '#failures/failure.ts';
import type { Whose } from '#failures/shape.ts';
import type { Clock, Instant } from '../../src/core/time.ts';
import type { CountedFailure } from '../../src/incidents/upstream-failures.ts';
import { EndpointAnswers } from '../../src/upstream/endpoint-answers.ts';

/** Whom the records of a scenario name, as one worker would. */
export class ScenarioParties {
  ms = 0;
  readonly #answers = new Map<string, EndpointAnswers>();

  answered(endpoint: string): void {
    this.#of(endpoint).onHttp();
  }

  whoseOf(kind: CountedFailure, endpoint: string, application: string | null): Whose {
    if (kind === 'app_error') return 'application';
    const answeredBetween = kind === 'response_not_http' ? this.#of(endpoint).onNotHttp() : 0;
    const evidence = answeredBetween === 0 ? {} : { answeredBetween };
    return whoseOf({ cause: kind, stage: 'response', evidence } as unknown as Failure, application);
  }

  #of(endpoint: string): EndpointAnswers {
    const known = this.#answers.get(endpoint);
    if (known !== undefined) return known;
    const answers = new EndpointAnswers({ now: () => this.ms as Instant } as Clock);
    this.#answers.set(endpoint, answers);
    return answers;
  }
}
