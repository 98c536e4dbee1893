import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { answerCases } from '../../../explain/src/whose/answer-cases.test-support.ts';
import { sentAnswers } from '../../../explain/src/whose/sent-answers.test-support.ts';
import { SimulatedClock } from '../../../../src/testing/simulated-clock.ts';
import type { AnsweredResponse } from '../../../explain/src/whose/whose.ts';
import { classifyByRules, explainResponse } from './explain-response.ts';

const cases: readonly (readonly [promise: string, response: AnsweredResponse, author: string])[] = [
  ...answerCases.map(
    ([promise, status, headers, body = '', author]) => [promise, { status, headers, body }, author] as const,
  ),
  ...sentAnswers.map(([promise, response, read]) => [promise, response, read.split(' ')[0] ?? ''] as const),
];

function responseOf({ status, headers, body = '' }: AnsweredResponse): Response {
  const all = new Headers();
  for (const [name, values] of Object.entries(headers)) for (const value of [values].flat()) all.append(name, value);
  return new Response(body, { status, headers: all });
}

describe('the full rules in the client', () => {
  it('name the author that `candor whose` names', async () => {
    for (const [promise, response, author] of cases) {
      // An empty body differs from one that was not kept, and several lines of one header arrive as one.
      if (Object.values(response.headers).some((value) => typeof value !== 'string')) continue;
      assert.equal((await explainResponse(responseOf(response))).author, author, promise);
    }
  });

  it('leave the body to the caller', async () => {
    const response = new Response('no healthy upstream', { status: 503, headers: { server: 'envoy' } });
    const { author, cause, delivery, sentence } = await explainResponse(response);
    assert.deepEqual([author, cause, delivery], ['envoy', 'no_endpoint_ready', null]);
    assert.match(sentence, /^Envoy wrote this 503/);
    assert.equal(await response.text(), 'no healthy upstream');
  });

  it('explain a response whose body was read by its head', async () => {
    const response = new Response('a', { status: 504, headers: { 'x-vercel-error': 'FUNCTION_INVOCATION_TIMEOUT' } });
    await response.text();
    assert.equal((await explainResponse(response)).author, 'vercel');
  });

  it('read no more than 64 KiB of an endless body', async () => {
    let pulled = 0;
    const endless = new ReadableStream<Uint8Array>({
      pull: (controller) => {
        pulled += 16_384;
        controller.enqueue(new Uint8Array(16_384).fill(97));
      },
    });
    await explainResponse(new Response(endless, { status: 502 }));
    assert.ok(pulled < 200_000, `${pulled} bytes`);
  });

  for (const [what, pull] of [
    ['never comes', () => new Promise<void>(() => {})],
    ['breaks', () => Promise.reject(new Error('broken'))],
  ] as const)
    it(`explain a response whose body ${what} by what there is of it`, async () => {
      const clock = new SimulatedClock();
      const headers = { 'x-vercel-error': 'FUNCTION_INVOCATION_TIMEOUT' };
      const explained = explainResponse(new Response(new ReadableStream({ pull }), { status: 504, headers }), clock);
      await clock.advance(1000);
      assert.equal((await explained).author, 'vercel');
    });

  it('judge for the client what the table of signatures leaves open', () => {
    for (const [promise, { status, headers, body = '' }, author] of cases) {
      if (status < 400 || body.length > 256 || Object.values(headers).some((value) => typeof value !== 'string'))
        continue;
      const all = responseOf({ status, headers, body }).headers;
      const found = classifyByRules({ status, header: (name) => all.get(name), bodyStart: body });
      const named = found === null ? 'unknown' : found.writer === 'service' ? 'application' : found.gateway;
      assert.equal(named, author, promise);
    }
  });
});
