import { HeadStorage } from '../src/wire/head-storage.ts';
import { responseLimits } from '../src/wire/limits.ts';
import { RequestHeadParser } from '../src/wire/request-head.ts';
import { requestLimits } from '../src/wire/request-limits.test-support.ts';
import { ResponseHeadParser } from '../src/wire/response-head.ts';
import { measure } from './measure-call.ts';
import { NewEachTime } from './new-each-time.ts';

/**
 * Measures how long parsing a head takes, in nanoseconds of CPU: `node bench/parse.ts`. Prints the best of several rounds,
 * because other programs on the machine can only make a round slower.
 */
const request = Buffer.from(
  [
    'GET /articles/2026/11/how-it-works?page=2&sort=new HTTP/1.1',
    'Host: www.example.org',
    'Connection: keep-alive',
    'sec-ch-ua: "Chromium";v="142", "Not_A Brand";v="99"',
    'sec-ch-ua-mobile: ?0',
    'Upgrade-Insecure-Requests: 1',
    'User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36',
    'Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8',
    'Sec-Fetch-Site: same-origin',
    'Referer: https://www.example.org/articles/',
    'Accept-Encoding: gzip, deflate, br, zstd',
    'Accept-Language: en-GB,en;q=0.9,de;q=0.8',
    'Cookie: session=0123456789abcdef0123456789abcdef; theme=dark',
    '',
    '',
  ].join('\r\n'),
);

const response = Buffer.from(
  [
    'HTTP/1.1 200 OK',
    'Date: Sat, 21 Nov 2026 09:00:00 GMT',
    'Content-Type: text/html; charset=utf-8',
    'Content-Length: 1024',
    'ETag: "0123456789abcdef"',
    'Cache-Control: private, max-age=0',
    'Connection: keep-alive',
    'Keep-Alive: timeout=5',
    '',
    '',
  ].join('\r\n'),
);

const storage = new HeadStorage();
const requests = new RequestHeadParser(requestLimits, storage);
const responses = new ResponseHeadParser(responseLimits, storage);

const newRequests = new NewEachTime(request);
const newResponses = new NewEachTime(response);

measure('request head, new headers', request.length, () => {
  requests.push(newRequests.next(), 0, request.length);
  requests.reset();
});
measure('the same, in 10 pieces', request.length, () => {
  const bytes = newRequests.next();
  const step = Math.ceil(request.length / 10);
  for (let at = 0; at < request.length; at += step) requests.push(bytes, at, Math.min(at + step, request.length));
  requests.reset();
});
measure('request head, as before', request.length, () => {
  requests.push(request, 0, request.length);
  requests.reset();
});
measure('response head, new', response.length, () => {
  responses.expect('GET');
  responses.push(newResponses.next(), 0, response.length);
  responses.reset();
});
measure('response head, as before', response.length, () => {
  responses.expect('GET');
  responses.push(response, 0, response.length);
  responses.reset();
});
